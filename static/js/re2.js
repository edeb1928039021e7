/** Characters that a JavaScript expression allows to be escaped. */
const SYNTAX = new Set("^$\\.*+?()[]{}|/");
/** What RE2 calls white space; JavaScript's own `\s` knows more. */
const SPACE = "\\t\\n\\f\\r ";
const CONTROL = new Set("fnrtv");
const GENERAL = /^(?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|C[cfos]?)$/;
const POSIX = /** @type {Record<string, string>} */ ({
  alnum: "0-9A-Za-z", alpha: "A-Za-z", ascii: "\\x00-\\x7f", blank: "\\t ", cntrl: "\\x00-\\x1f\\x7f", digit: "0-9", graph: "!-~",
  lower: "a-z", print: " -~", punct: "!-\\/:-@\\[-`\\{-~", space: "\\t-\\r ", upper: "A-Z", word: "0-9A-Za-z_", xdigit: "0-9A-Fa-f",
});

/**
 * What is open at a place of the expression: its flags, what must be closed with it, and whether it could take long.
 * @typedef {{ insensitive: boolean, dotAll: boolean, lines: boolean, extra: string[], endless: boolean, choice: boolean }} Group
 */

/** An expression that the server reads and this page cannot. */
export class Untranslatable extends SyntaxError {}

/**
 * Turn an expression of the server's dialect (RE2) into one of JavaScript's that matches the same whole texts.
 *
 * What JavaScript has no words for, and what its backtracking might take for ever with, is `Untranslatable`.
 * @param {string} source
 */
export function anchored(source) {
  // Not every browser knows flags for a part, but all know them for the whole.
  const insensitive = /^\(\?[msU]*i[imsU]*\)/.test(source);
  const body = new Translation(source, insensitive).body();
  try {
    return new RegExp(`^(?:${body})$`, insensitive ? "iu" : "u");
  } catch (error) {
    throw new Untranslatable(`regular expression ${source}: ${/** @type {Error} */ (error).message}`);
  }
}

class Translation {
  /**
   * @param {string} source
   * @param {boolean} insensitive from the start
   */
  constructor(source, insensitive) {
    this.source = source;
    this.at = 0;
    /** @type {Group[]} */
    this.groups = [{ insensitive, dotAll: false, lines: false, extra: [], endless: false, choice: false }];
  }

  get #group() {
    return /** @type {Group} */ (this.groups.at(-1));
  }

  body() {
    let body = "";
    while (this.at < this.source.length) body += this.#next();
    if (this.groups.length > 1) throw this.#refuse("a parenthesis is not closed");
    return body + ")".repeat(this.#group.extra.length);
  }

  /** @param {string} why */
  #refuse(why) {
    return new Untranslatable(`regular expression ${this.source}: ${why}`);
  }

  /** @param {RegExp} pattern sticky */
  #take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (match) this.at = pattern.lastIndex;
    return match;
  }

  /** @returns {string} */
  #next() {
    const group = this.#group;
    const char = String.fromCodePoint(this.source.codePointAt(this.at) ?? 0);
    if (char === "(") return this.#open();
    if (char === "[") return this.#set();
    if (char === "\\") return this.#escape();
    const counted = this.#take(/\{\d+(,\d*)?\}/y);
    if (counted) {
      group.endless ||= counted[1] === ",";
      return counted[0];
    }
    this.at += char.length;
    if (char === ")") return this.#close();
    if (char === "*" || char === "+") group.endless = true;
    if (char === ".") return group.dotAll ? "[^]" : "[^\\n]";
    if (char === "^") return group.lines ? "(?<![^\\n])" : "(?<![^])";
    if (char === "$") return group.lines ? "(?![^\\n])" : "(?![^])";
    if (char === "|") {
      group.choice = true;
      return `${")".repeat(group.extra.length)}|${group.extra.join("")}`;
    }
    return "{}]".includes(char) ? `\\${char}` : char;
  }

  #open() {
    const group = this.#group;
    const flags = this.#take(/\(\?([imsU]*)(?:-([imsU]+))?([:)])/y);
    if (!flags) {
      if (!this.#take(/\((?:\?P?<\w+>)?(?!\?)/y)) throw this.#refuse("this group is not known here");
      this.groups.push({ ...group, extra: [], endless: false, choice: false });
      return "(?:";
    }
    const [, on = "", off = "", end] = flags;
    const inner = {
      insensitive: (group.insensitive || on.includes("i")) && !off.includes("i"),
      dotAll: (group.dotAll || on.includes("s")) && !off.includes("s"),
      lines: (group.lines || on.includes("m")) && !off.includes("m"),
    };
    const opening = inner.insensitive === group.insensitive ? "(?:" : inner.insensitive ? "(?i:" : "(?-i:";
    if (end === ":") {
      this.groups.push({ ...inner, extra: [], endless: false, choice: false });
      return opening;
    }
    // Flags without a group hold to the end of the one they stand in, past each of its alternatives.
    Object.assign(group, inner);
    group.extra.push(opening);
    return opening;
  }

  #close() {
    const inner = /** @type {Group} */ (this.groups.pop());
    if (!this.groups.length) throw this.#refuse("a parenthesis too many");
    const repeated = /^(?:[*+]|\{\d+,\})/.test(this.source.slice(this.at));
    if (repeated && (inner.endless || inner.choice)) throw this.#refuse("it could take too long here");
    this.#group.endless ||= inner.endless;
    return ")".repeat(inner.extra.length + 1);
  }

  /** One escape outside of a set. */
  #escape() {
    const quoted = this.#take(/\\Q([^]*?)(?:\\E|$)/y);
    if (quoted) return (quoted[1] ?? "").replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&");
    if (this.#take(/\\A/y)) return "(?<![^])";
    if (this.#take(/\\z/y)) return "(?![^])";
    const edge = this.#take(/\\[bB]/y);
    if (edge) return edge[0];
    if (this.#take(/\\S/y)) return `[^${SPACE}]`;
    if (this.#take(/\\s/y)) return `[${SPACE}]`;
    return this.#character();
  }

  /** One escape that stands for a character or a class, in a set or outside. */
  #character() {
    const group = this.#take(/\\([dDwW])/y);
    if (group) return group[0];
    const property = this.#take(/\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/y);
    if (property) return this.#property(property);
    const code = this.#take(/\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))/y);
    if (code) return `\\u{${code[1] ?? code[2]}}`;
    const octal = this.#take(/\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/y);
    if (octal) return `\\u{${parseInt(octal[1] ?? "", 8).toString(16)}}`;
    const plain = this.#take(/\\([^a-zA-Z0-9]|[afnrtv])/yu);
    if (!plain) throw this.#refuse(`${this.source.slice(this.at, this.at + 2)} is not known here`);
    const [whole, char = ""] = plain;
    if (char === "a") return "\\x07";
    if (char === "-") return "\\x2d";
    return SYNTAX.has(char) || CONTROL.has(char) ? whole : char;
  }

  /** @param {RegExpExecArray} match */
  #property([, letter, inverse, long, short]) {
    const name = long ?? short ?? "";
    if (name === "Any") throw this.#refuse("\\p{Any} is not known here");
    const inverted = (letter === "P") !== (inverse === "^");
    return `\\${inverted ? "P" : "p"}{${GENERAL.test(name) ? name : `Script=${name}`}}`;
  }

  /** A set in brackets. */
  #set() {
    let set = this.#take(/\[\^?/y)?.[0] ?? "";
    if (this.#take(/\]/y)) set += "\\]";
    while (this.at < this.source.length && this.source[this.at] !== "]") set += this.#member();
    if (!this.#take(/\]/y)) throw this.#refuse("a bracket is not closed");
    return `${set}]`;
  }

  #member() {
    const named = this.#take(/\[:(\^?)(\w+):\]/y);
    if (named) {
      const members = POSIX[named[2] ?? ""];
      if (named[1] || members === undefined) throw this.#refuse(`${named[0]} is not known here`);
      return members;
    }
    if (this.#take(/\\s/y)) return SPACE;
    if (this.source[this.at] === "\\") return this.#character();
    const char = String.fromCodePoint(this.source.codePointAt(this.at) ?? 0);
    this.at += char.length;
    return SYNTAX.has(char) && char !== "$" ? `\\${char}` : char;
  }
}
