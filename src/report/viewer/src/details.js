// What is known of the selection.

import { announce, button, el, isolated } from "./dom.js";
import { copyButton } from "./copy.js";
import { minor, shown, Sums } from "./money.js";
import { count, elided, moment, visible } from "./text.js";

const LISTED = 25;

export function details(model, state, graph) {
  const word = (key, ...values) => model.word(key, ...values);
  const panel = el("aside", { id: "details", class: "details", "aria-label": word("details") });
  const account = (at) => button(isolated(elided(model.accounts[at].id)), () => state.select("account", at), { class: "pick" });
  const identifier = (at) => button(isolated(elided(model.identifiers[at].id)), () => state.select("identifier", at), { class: "pick" });
  const transfer = (at) => button(isolated(elided(model.transfers[at].id)), () => state.select("transfer", at), { class: "pick" });

  const facts = (pairs) =>
    el("dl", null, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value.length !== 0)
      .map(([key, value]) => el("div", null, el("dt", null, key), el("dd", null, value))));
  const lines = (texts) => texts.map((text) => el("div", null, text));
  const full = (id) => {
    const name = id.length > 40 ? el("div", { class: "full", tabindex: "0", "aria-label": word("full_name") }, isolated(visible(id))) : null;
    return [name, copyButton(word("copy_name"), () => id, (done) => announce(word(done ? "copied_name" : "copy_failed")))];
  };
  const head = (kind, id) => [
    el("p", { class: "small" }, kind),
    el("h3", null, isolated(elided(id, 40, 24, 10))),
    full(id),
  ];
  const rest = (shownCount, all) => (all > shownCount ? el("p", { class: "small" }, word("largest_of", count(shownCount), count(all))) : null);
  const byTime = (places) => [
    el("ul", { class: "transfers" }, places.slice(0, LISTED).map((at) =>
      el("li", null, transfer(at), ` ${moment(model.transfers[at].time)} · ${shown(model.transfers[at].paid)}${model.isEvidence(at) ? " ●" : ""}`))),
    rest(LISTED, places.length),
  ];
  /** Exact sums of what was paid, or of what was received. */
  const sums = (places, received) => {
    const total = new Sums();
    for (const at of places) {
      const one = (received && model.transfers[at].received) || model.transfers[at].paid;
      total.add(one.currency, minor(one));
    }
    return lines(total.shown(model.currencies));
  };

  function ofAccount(at) {
    const one = model.accounts[at];
    const passing = model.transfersOf[at].filter((place) => state.passes[place]);
    const into = passing.filter((place) => model.transfers[place].target === at);
    const out = passing.filter((place) => model.transfers[place].source === at);
    const partners = new Map();
    for (const place of passing) {
      const { source, target } = model.transfers[place];
      const other = source === at ? target : source;
      if (other !== at) partners.set(other, (partners.get(other) ?? 0) + 1);
    }
    const most = [...partners].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const beside = graph?.outsideBeside(at) ?? [];
    const folded = beside.some((other) => graph.folds[other]);
    const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
    const toggle = () => {
      graph.toggleBeside(at);
      show();
    };
    return [
      head(word(one.member ? "member" : "outside"), one.id),
      facts([
        [word("roles"), one.roles.map((role) => model.role(role)).join(", ")],
        [word("received"), lines(one.received.map(shown))],
        [word("paid"), lines(one.paid.map(shown))],
        [word("in_shown"), [el("div", null, model.counted(into.length, "one_transfer", "num_transfers")), ...sums(into, true)]],
        [word("out_shown"), [el("div", null, model.counted(out.length, "one_transfer", "num_transfers")), ...sums(out)]],
        ...one.attributes.map(([key, value]) => [visible(key), isolated(elided(plain(value)))]),
        [word("identifiers"), model.usesOf[at].map((use) => el("div", null, `${visible(model.identifiers[model.uses[use].identifier].kind)}: `, identifier(model.uses[use].identifier)))],
        [word("partners"), most.slice(0, LISTED).map(([other, times]) => el("div", null, account(other), ` × ${count(times)}`))],
      ]),
      rest(LISTED, most.length),
      beside.length ? button(`${word(folded ? "unfold_beside" : "fold_beside")} (${count(beside.length)})`, toggle, { id: "beside" }) : null,
    ];
  }

  function ofIdentifier(at) {
    const one = model.identifiers[at];
    const users = model.usersOf[at].map((place) => model.uses[place]);
    const line = (use) => {
      const seen = [use.first && `${word("first_seen")} ${moment(use.first)}`, use.last && `${word("last_seen")} ${moment(use.last)}`, `${word("sightings")} ${count(use.count)}`];
      return el("li", null, account(use.account), el("div", { class: "small" }, seen.filter(Boolean).join(" · ")));
    };
    return [
      head(visible(one.kind), one.id),
      el("p", null, `${word("used_by")} ${model.counted(users.length, "one_account", "num_accounts")}`),
      el("ul", null, users.slice(0, 100).map(line)),
    ];
  }

  function ofTransfer(at) {
    const one = model.transfers[at];
    const reasons = model.claimsOf[at].map((claim) => el("div", null, `${claim + 1}. `, isolated(visible(model.file.claims[claim].text), "")));
    return [
      head(word("transfer"), one.id),
      facts([
        [word("time_utc"), moment(one.time)],
        [word("from"), account(one.source)],
        [word("to"), account(one.target)],
        [word("paid"), shown(one.paid)],
        [word("received"), one.received && shown(one.received)],
        [word("traced"), one.traced && shown(one.traced)],
        [word("hop"), one.hop === null ? null : String(one.hop)],
        [word("evidence"), word(model.isEvidence(at) ? "yes" : "no")],
        [word("reasons"), reasons],
      ]),
    ];
  }

  function ofPair(at) {
    const pair = model.pairs[at];
    const passing = pair.transfers.filter((place) => state.passes[place]);
    return [
      el("p", { class: "small" }, word("transfers_between")),
      el("h3", null, account(pair.source), " → ", account(pair.target)),
      facts([[word("sum_shown"), [el("div", null, model.counted(passing.length, "one_transfer", "num_transfers")), ...sums(passing)]]]),
      byTime(passing),
    ];
  }

  function ofClaim(at) {
    const claim = model.file.claims[at];
    const places = [...state.selected.transfer].sort((a, b) => a - b);
    const shared = claim.identifiers.filter((place) => place < model.identifiers.length);
    return [
      el("p", { class: "small" }, `${word("reason")} ${at + 1} · ${model.kind(claim.kind)}`),
      el("h3", null, isolated(visible(claim.text), "")),
      facts([
        [word("sum_shown"), places.length ? [el("div", null, model.counted(places.length, "one_transfer", "num_transfers")), ...sums(places)] : null],
        [word("identifiers"), shared.map((place) => el("div", null, identifier(place)))],
      ]),
      byTime(places),
    ];
  }

  function show() {
    const { selection } = state;
    if (!selection) return panel.replaceChildren(el("p", { class: "small" }, word("nothing_selected")));
    const of = { account: ofAccount, identifier: ofIdentifier, transfer: ofTransfer, pair: ofPair, claim: ofClaim };
    const clear = button(word("clear"), () => state.select(null), { class: "quiet", id: "clear" });
    panel.replaceChildren(...[of[selection.type](selection.at), clear].flat(9).filter(Boolean));
    panel.scrollTop = 0;
  }
  state.addEventListener("select", show);
  state.addEventListener("filter", show);
  show();
  return panel;
}
