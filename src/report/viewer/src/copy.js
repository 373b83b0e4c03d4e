// Rows and names to the clipboard, as text that a spreadsheet takes and does not run.

import { button, el } from "./dom.js";

/** A cell of tab-separated text: an apostrophe before what a spreadsheet would run as a formula. */
export const cell = (text) => (/^[=+\-@]/.test(text) ? `'${text}` : text);

/** Copies `text`; where the browser refuses, leaves it selected in a field after `place`. */
export async function copy(text, place) {
  place.parentElement?.querySelector(".copy-by-hand")?.remove();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el("textarea", { class: "copy-by-hand", readonly: true, rows: "4" });
    field.value = text;
    place.after(field);
    field.select();
    if (!document.execCommand("copy")) return false;
    field.remove();
    place.focus();
    return true;
  }
}

export const copyButton = (title, text, done) => {
  const press = async (event) => done(await copy(text(), event.currentTarget));
  return button(title, press, { class: "quiet" });
};
