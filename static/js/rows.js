/**
 * A fixed pool of like rows: DOM nodes are made once and then only written to.
 * @template T
 */
export class Rows {
  /**
   * @param {HTMLElement} parent
   * @param {() => T & { root: HTMLElement }} make
   */
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
    /** @type {(T & { root: HTMLElement })[]} */
    this.pool = [];
  }

  /**
   * Show so many rows; returns them.
   * @param {number} count
   */
  take(count) {
    while (this.pool.length < count) {
      const row = this.make();
      this.pool.push(row);
      this.parent.append(row.root);
    }
    this.pool.forEach(({ root }, at) => {
      if (root.hidden !== at >= count) root.hidden = at >= count;
    });
    return this.pool.slice(0, count);
  }
}

/**
 * Write a text into an element that holds nothing else; only when it is another, and into the node that is there already.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function write(element, text) {
  const node = element.firstChild;
  if (node instanceof Text) {
    if (node.data !== text) node.data = text;
  } else if (text) {
    element.textContent = text;
  }
}

/**
 * Make an element with a class.
 * @param {string} tag
 * @param {string} [name]
 */
export function make(tag, name = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  return element;
}

/**
 * Where nothing is listed, say so; where the past could not be had, that nobody here knows.
 * @param {HTMLElement} root
 * @param {boolean} some is listed
 * @param {boolean} known
 */
export function tellNone(root, some, known) {
  for (const none of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".none"))) {
    none.hidden = some || none.classList.contains("unknown") === known;
  }
}
