// The tables of accounts, identifiers and transfers.

import { button, el, isolated } from "./dom.js";
import { shown } from "./money.js";
import { Table } from "./table.js";
import { elided, moment, visible } from "./text.js";

const range = (length) => Array.from({ length }, (_, at) => at);
const plain = (value) => (typeof value === "string" ? value : value === null ? "–" : JSON.stringify(value));

export function lists(model, state) {
  const word = (key, ...values) => model.word(key, ...values);
  const pick = (type, at, name) => button(isolated(elided(name)), () => state.select(type, at), { class: "pick" });
  const accountText = (at) => (at < model.accounts.length ? visible(model.accounts[at].id) : "?");
  const accountPick = (at) => (at < model.accounts.length ? pick("account", at, model.accounts[at].id) : "?");
  const tables = [];
  const add = (id, type, description) => {
    const section = document.getElementById(id) ?? document.getElementById("evidence");
    if (!section) return null;
    const only = el("input", { type: "checkbox", change: () => table.show(0) });
    const passing = type === "transfer" ? el("input", { type: "checkbox", checked: true, change: () => table.show(0) }) : null;
    const extras = [
      passing && el("label", null, passing, ` ${word("only_filtered")}`),
      el("label", null, only, ` ${word("only_selected")}`),
    ];
    const rows = () =>
      description.rows().filter((at) =>
        (!only.checked || state.selected?.[type].has(at)) && (!passing?.checked || state.passes[at]));
    const table = new Table(model, { ...description, rows, extras, marked: (at) => state.selected?.[type].has(at) ?? false });
    section.querySelector("h2").textContent = description.caption;
    section.querySelector("h2").after(table.element);
    state.addEventListener("select", () => {
      const { selection } = state;
      selection?.type === type ? table.reveal(selection.at) : table.show();
    });
    if (passing) state.addEventListener("filter", () => table.show(0));
    tables.push(table);
    return table;
  };

  const amounts = (list) => list.map(shown).join("; ");
  const lines = (list) => list.map((one) => el("div", { class: "amount" }, shown(one)));
  const sizes = (list) => (list.length && /^-?\d+$/.test(list[0].minor) ? BigInt(list[0].minor) : null);
  const attributes = (account) => account.attributes.map(([key, value]) => `${visible(key)}: ${visible(plain(value))}`).join("; ");
  add("accounts", "account", {
    caption: word("accounts"),
    rows: () => range(model.accounts.length),
    columns: [
      { title: word("account"), text: accountText, cell: accountPick },
      { title: word("part_of_ring"), text: (at) => word(model.accounts[at].member ? "member" : "outside") },
      { title: word("roles"), text: (at) => model.accounts[at].roles.map((role) => model.role(role)).join(", ") },
      { title: word("received"), text: (at) => amounts(model.accounts[at].received), cell: (at) => lines(model.accounts[at].received), key: (at) => sizes(model.accounts[at].received), number: true },
      { title: word("paid"), text: (at) => amounts(model.accounts[at].paid), cell: (at) => lines(model.accounts[at].paid), key: (at) => sizes(model.accounts[at].paid), number: true },
      { title: word("transfers"), text: (at) => String(model.transfersOf[at].length), key: (at) => model.transfersOf[at].length, number: true },
      { title: word("attributes"), text: (at) => attributes(model.accounts[at]), cell: (at) => isolated(elided(attributes(model.accounts[at]))) },
    ],
  });

  if (model.identifiers.length) {
    const users = (at) => model.usersOf[at].map((use) => model.uses[use].account);
    add("identifiers", "identifier", {
      caption: word("identifiers"),
      rows: () => range(model.identifiers.length),
      columns: [
        { title: word("kind"), text: (at) => visible(model.identifiers[at].kind) },
        { title: word("identifier"), text: (at) => visible(model.identifiers[at].id), cell: (at) => pick("identifier", at, model.identifiers[at].id) },
        { title: word("accounts"), text: (at) => String(users(at).length), key: (at) => users(at).length, number: true },
        {
          title: word("used_by"),
          text: (at) => users(at).map(accountText).join("; "),
          cell: (at) => {
            const list = users(at);
            const rest = list.length > 8 ? el("span", null, word("and_more", list.length - 8)) : null;
            return el("span", { class: "picks" }, list.slice(0, 8).map(accountPick), rest);
          },
        },
      ],
    });
  }

  const amount = (one) => (one ? shown(one) : "");
  const size = (one) => (one && /^-?\d+$/.test(one.minor) ? BigInt(one.minor) : null);
  add("transfers", "transfer", {
    caption: word("transfers"),
    rows: () => range(model.transfers.length),
    columns: [
      { title: word("transfer"), text: (at) => visible(model.transfers[at].id), cell: (at) => pick("transfer", at, model.transfers[at].id) },
      { title: word("time_utc"), text: (at) => moment(model.transfers[at].time), key: (at) => model.times[at] },
      { title: word("from"), text: (at) => accountText(model.transfers[at].source), cell: (at) => accountPick(model.transfers[at].source) },
      { title: word("to"), text: (at) => accountText(model.transfers[at].target), cell: (at) => accountPick(model.transfers[at].target) },
      { title: word("paid"), text: (at) => amount(model.transfers[at].paid), key: (at) => model.paid[at], number: true },
      { title: word("received"), text: (at) => amount(model.transfers[at].received), key: (at) => size(model.transfers[at].received), number: true },
      { title: word("traced"), text: (at) => amount(model.transfers[at].traced), key: (at) => size(model.transfers[at].traced), number: true },
      { title: word("hop"), text: (at) => String(model.transfers[at].hop ?? ""), key: (at) => model.transfers[at].hop ?? null, number: true },
      { title: word("evidence"), text: (at) => (model.isEvidence(at) ? word("yes") : ""), cell: (at) => (model.isEvidence(at) ? "●" : "") },
      { title: word("shows_reasons"), text: (at) => model.claimsOf[at].map((claim) => claim + 1).join(", ") },
    ],
  });
  return tables;
}
