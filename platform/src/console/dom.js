// Building nodes without a framework.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; a function as attribute is a listener. */
export function html(tag, attributes = {}, ...children) {
  return grown(document.createElement(tag), attributes, children);
}

/** An SVG element with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  return grown(document.createElementNS(SVG, tag), attributes, children);
}

/** A line icon of the console's set, or one of its state shapes. */
export function icon(name, className = "icon") {
  return svg("svg", { class: className, "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

/** A state as shape, word and colour: `kind` is good, warn, bad or idle. */
export function state(kind, text) {
  return html("span", { class: `state ${kind}` }, icon(kind, "shape"), html("span", {}, text));
}

/** Pairs of name and value; those without a value are left out. */
export function facts(pairs) {
  const list = html("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value) list.append(html("dt", {}, name), html("dd", {}, value));
  }
  return list;
}

/** Replaces the children of `node` only when they would differ, so that focus and selection survive. */
export function replace(node, ...children) {
  const draft = document.createElement("div");
  draft.append(...children);
  if (node.innerHTML !== draft.innerHTML) node.replaceChildren(...draft.childNodes);
}

/** Black or white, whichever reads better on `colour` (`RRGGBB`); WCAG relative luminance. */
export function inkOn(colour) {
  const [red, green, blue] = [0, 2, 4].map((start) => {
    const share = parseInt(colour.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.179 ? "#16202a" : "#ffffff";
}

function grown(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}
