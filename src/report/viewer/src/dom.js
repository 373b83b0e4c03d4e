// Elements, made without markup: every text goes through `textContent`.

const SVG = "http://www.w3.org/2000/svg";

function build(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element; attributes that are functions listen to the event of that name. */
export const el = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);

/** The same in a picture. */
export const svg = (tag, attributes, ...children) =>
  build(document.createElementNS(SVG, tag), attributes, children);

/** A text that does not change the direction of what stands beside it. */
export const isolated = (text, css = text.length <= 24 ? "name short" : "name") => el("bdi", { class: css }, text);

export const button = (text, press, attributes) => el("button", { type: "button", ...attributes, click: press }, text);

/** Says `text` to those who do not see the page, and shows it at its foot for a while. */
export function announce(text) {
  document.getElementById("live").textContent = text;
}
