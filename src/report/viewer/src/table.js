// A table that sorts, filters, pages and copies. Only the rows of one page are elements.

import { announce, button, el } from "./dom.js";
import { cell, copy } from "./copy.js";
import { count } from "./text.js";

const PAGE = 50;

/**
 * A table of the rows that `rows()` names by their places.
 *
 * A column is `{ title, text(row), cell(row)?, key(row)?, number? }`: what is copied and searched, what is shown, what
 * it is sorted by. `marked(row)` says which rows are highlighted, `extras` are further elements beside the buttons.
 */
export class Table {
  constructor(model, { caption, columns, rows, marked, extras }) {
    Object.assign(this, { model, columns, rows, marked: marked ?? (() => false) });
    this.sort = { column: -1, up: true };
    this.page = 0;
    this.texts = new Map();
    const word = (key, ...values) => model.word(key, ...values);
    this.search = el("input", { type: "search", "aria-label": `${word("filter_rows")}: ${caption}`, placeholder: word("filter_rows"), input: () => this.show(0) });
    this.range = el("span", { class: "range" });
    this.back = button("‹", () => this.show(this.page - 1), { "aria-label": word("previous"), title: word("previous") });
    this.on = button("›", () => this.show(this.page + 1), { "aria-label": word("next"), title: word("next") });
    this.heads = columns.map((column, at) => this.#head(column, at));
    this.body = el("tbody");
    const copied = button(word("copy_rows"), (event) => this.#copy(event.currentTarget), { class: "copy" });
    this.element = el("div", { class: "table" },
      el("div", { class: "bar" }, this.search, extras, copied, el("span", { class: "pager" }, this.back, this.range, this.on)),
      el("div", { class: "scroll" }, el("table", null, el("caption", null, caption), el("thead", null, el("tr", null, this.heads)), this.body)));
    this.show(0);
  }

  #head(column, at) {
    const press = () => {
      this.sort = { column: at, up: this.sort.column !== at || !this.sort.up };
      this.heads.forEach((head, other) =>
        head.setAttribute("aria-sort", other !== at ? "none" : this.sort.up ? "ascending" : "descending"));
      this.show(0);
    };
    const title = { "aria-label": this.model.word("sort_by", column.title) };
    return el("th", { scope: "col", "aria-sort": "none", class: column.number ? "number" : null }, button(column.title, press, title));
  }

  #text(row) {
    if (!this.texts.has(row)) this.texts.set(row, this.columns.map((column) => column.text(row)).join("\t").toLowerCase());
    return this.texts.get(row);
  }

  /** The places of all rows that pass, in order. */
  list() {
    const wanted = this.search.value.trim().toLowerCase();
    const rows = this.rows().filter((row) => wanted === "" || this.#text(row).includes(wanted));
    const column = this.columns[this.sort.column];
    if (!column) return rows;
    const keys = new Map(rows.map((row) => [row, (column.key ?? column.text)(row)]));
    const sign = this.sort.up ? 1 : -1;
    // Empty cells stand last in both directions; equal ones keep their order.
    const compare = (a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      if (x === y) return a - b;
      if (x === null || x === "") return 1;
      if (y === null || y === "") return -1;
      return (x < y ? -1 : x > y ? 1 : 0) * sign || a - b;
    };
    return rows.sort(compare);
  }

  show(page = this.page) {
    const rows = this.list();
    this.page = Math.max(0, Math.min(page, Math.ceil(rows.length / PAGE) - 1));
    const first = this.page * PAGE;
    const shown = rows.slice(first, first + PAGE);
    const line = (row) =>
      el("tr", { class: this.marked(row) ? "marked" : null, "aria-current": this.marked(row) ? "true" : null, "data-row": row },
        this.columns.map((column) => el("td", { class: column.number ? "number" : null }, (column.cell ?? column.text)(row))));
    this.body.replaceChildren(...shown.map(line));
    if (rows.length === 0) {
      this.body.replaceChildren(el("tr", null, el("td", { colspan: this.columns.length }, this.model.word("no_rows"))));
    }
    this.range.textContent = this.model.word("page_of", rows.length ? count(first + 1) : 0, count(first + shown.length), count(rows.length));
    this.back.disabled = this.page === 0;
    this.on.disabled = first + PAGE >= rows.length;
  }

  /** Shows the page on which `row` stands, where it passes the filters. */
  reveal(row) {
    const at = this.list().indexOf(row);
    this.show(at < 0 ? this.page : Math.floor(at / PAGE));
  }

  async #copy(place) {
    const rows = this.list();
    const line = (cells) => cells.map(cell).join("\t");
    const lines = [line(this.columns.map((column) => column.title))];
    for (const row of rows) lines.push(line(this.columns.map((column) => column.text(row))));
    const done = await copy(`${lines.join("\n")}\n`, place);
    announce(done ? this.model.word("copied", count(rows.length)) : this.model.word("copy_failed"));
  }
}
