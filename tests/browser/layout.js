// What the eye would find wrong with a page: text that is cut, text that is too faint. Each returns a list of faults.
(() => {
  const path = (element) => {
    const panel = element.closest(".panel")?.dataset.panel;
    const own = `${element.localName}${element.className ? `.${String(element.className).replaceAll(" ", ".")}` : ""}`;
    return `${panel ? `${panel} ` : ""}${own} “${element.textContent.trim().slice(0, 40)}”`;
  };

  const texts = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("script, noscript, dialog:not([open]), .guard, .skip")) continue;
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      if (box.width && box.height) found.push({ element, box, text: node.data.trim() });
    }
    return found;
  };

  // Told apart from what is cut: shortened with an ellipsis, where the whole is in a title; and what can be scrolled to.
  const cut = ({ element, box, text }) => {
    for (let around = element; around && around !== document.documentElement; around = around.parentElement) {
      const style = getComputedStyle(around);
      const clips = style.overflowX !== "visible" || style.contain.includes("paint");
      if (!clips) continue;
      if (["auto", "scroll"].includes(style.overflowX)) return null;
      const frame = around.getBoundingClientRect();
      const wide = box.right > frame.right + 1 || box.left < frame.left - 1;
      const high = box.bottom > frame.bottom + 2 || box.top < frame.top - 2;
      if (!wide && !high) continue;
      const whole = around.closest("[title]")?.title ?? "";
      const shortened = style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none";
      if (shortened && whole.includes(text)) return null;
      const why = !shortened ? "cut off" : `shortened, and its title is “${whole.slice(0, 60)}”`;
      return `${path(element)} is ${why} by ${path(around).slice(0, 60)}`;
    }
    return null;
  };

  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return { channels: [red, green, blue], alpha: alpha / 255 };
  };
  const over = (front, back) => front.channels.map((channel, at) => channel * front.alpha + back[at] * (1 - front.alpha));
  const background = (element) => {
    if (!element) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own.alpha === 1 ? own.channels : over(own, background(element.parentElement));
  };
  const luminance = (channels) => {
    const [red, green, blue] = channels.map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  // Of a hatch beneath the text, its own or the veil's, each stripe is a ground, too.
  const grounds = (element) => {
    const plain = background(element);
    const styles = [];
    for (let around = element; around; around = around.parentElement) {
      styles.push(getComputedStyle(around));
      const veil = around.matches("[data-view]") && around.parentElement.querySelector(".veil");
      if (veil && getComputedStyle(veil).display !== "none") styles.push(getComputedStyle(veil, "::before"));
      if (rgba(getComputedStyle(around).backgroundColor).alpha === 1) break;
    }
    const hatches = styles.map(({ backgroundImage }) => backgroundImage).filter((image) => image.startsWith("repeating"));
    const stripes = hatches.flatMap((image) => image.match(/(rgba?|color)\([^)]*\)/g));
    return [plain, ...stripes.map((stripe) => over(rgba(stripe), plain))];
  };
  const contrast = (element) => {
    const text = rgba(getComputedStyle(element).color);
    for (let around = element; around; around = around.parentElement) {
      const { filter, opacity } = getComputedStyle(around);
      text.alpha *= Number(opacity);
      const [red, green, blue] = text.channels;
      if (filter === "grayscale(1)") text.channels.fill(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    }
    return Math.min(...grounds(element).map((ground) => {
      const [light, dark] = [luminance(over(text, ground)), luminance(ground)].sort((a, b) => b - a);
      return (light + 0.05) / (dark + 0.05);
    }));
  };

  window.layout = {
    wide: () => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
    cut: () => [...new Set(texts().map(cut).filter(Boolean))],
    faint: (part = document.body) => [...new Set(texts()
      .filter(({ element }) => part.contains(element))
      .map(({ element }) => [contrast(element), element])
      .filter(([ratio]) => ratio < 4.5)
      .map(([ratio, element]) => `${ratio.toFixed(2)} ${path(element)}`))],
    count: () => texts().length,
  };
})();
