// Filters by time, amount, reason; the search; how much passes.

import { announce, button, el } from "./dom.js";
import { elided, count } from "./text.js";
import { micros } from "./model.js";

/** A moment to the second, in UTC, as a reader writes it. */
const written = (us) => new Date(Math.floor(us / 1000)).toISOString().slice(0, 19).replace("T", " ");

/** The first or last microsecond of what a reader wrote: a day, a minute or a second; undefined if none. */
export function bound(text, last) {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d))?)?(?: ?UTC|Z)?$/.exec(text.trim());
  if (!parts) return undefined;
  const [, day, minute, second] = parts;
  const start = micros(`${day}T${minute ?? "00:00"}:${second ?? "00"}Z`);
  if (start === null) return undefined;
  const span = second ? 1 : minute ? 60 : 86_400;
  return last ? start + span * 1_000_000 - 1 : start;
}

export function filters(model, state) {
  const word = (key, ...values) => model.word(key, ...values);
  const apply = () => read();
  const known = model.times.filter((time) => time !== null);
  const example = (us) => (known.length ? written(us) : "2024-01-31 12:00:00");
  const time = (key, us) => el("input", { type: "text", size: "19", id: key.replace("_", "-"), placeholder: example(us), change: apply, "aria-describedby": "filter-message" });
  const span = [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), -Infinity)];
  const [from, to] = [time("from_time", span[0]), time("to_time", span[1])];
  const amount = (id) => el("input", { type: "text", inputmode: "decimal", size: "10", id, placeholder: word("any"), change: apply, "aria-describedby": "filter-message" });
  const [min, max] = [amount("amount-min"), amount("amount-max")];
  const option = (value, text) => el("option", { value }, text);
  const { codes } = model.currencies;
  const currency = el("select", { id: "currency", change: apply }, codes.length === 1 ? null : option("", word("all_currencies")), codes.map((code) => option(code, code)));
  const claims = model.file.claims.map((claim, at) => option(String(at), `${at + 1}. ${elided(claim.text, 60, 48, 8)}`));
  const claim = el("select", { id: "claim", change: apply }, option("", word("all_reasons")), claims);
  const evidence = el("input", { type: "checkbox", id: "evidence-only", change: apply });
  const message = el("span", { id: "filter-message", class: "message", role: "alert" });
  const status = el("output", { id: "status", class: "status" });

  const refuse = (input, text) => {
    message.textContent = text;
    input.setAttribute("aria-invalid", "true");
    return null;
  };

  function amountOf(input, code, up) {
    if (input.value.trim() === "") return null;
    if (code === null) return refuse(input, word("choose_currency"));
    return model.currencies.parse(code, input.value, up) ?? refuse(input, word("bad_amount"));
  }

  function timeOf(input, last) {
    if (input.value.trim() === "") return null;
    return bound(input.value, last) ?? refuse(input, word("bad_time", input.placeholder));
  }

  /** What the fields say; a field that says nothing clear does not filter, and is marked. */
  function read() {
    message.textContent = "";
    for (const input of [from, to, min, max]) input.removeAttribute("aria-invalid");
    const only = codes.length === 1 ? codes[0] : null;
    const code = only ?? (currency.value || null);
    state.setFilter({
      from: timeOf(from, false),
      to: timeOf(to, true),
      currency: only ? null : code,
      min: amountOf(min, code, true),
      max: amountOf(max, code, false),
      claim: claim.value === "" ? null : Number(claim.value),
      evidence: evidence.checked,
    });
  }

  /** Takes over what was filtered elsewhere: in the timeline, or by a button beside a reason. */
  function follow() {
    const { filter } = state;
    const set = (input, us) => {
      if (us === null ? !input.hasAttribute("aria-invalid") : bound(input.value, input === to) !== us) input.value = us === null ? "" : written(us);
    };
    set(from, filter.from);
    set(to, filter.to);
    claim.value = filter.claim === null ? "" : String(filter.claim);
    status.textContent = word("status", count(state.numPassing), count(model.transfers.length), count(state.shownAccounts.size), count(model.accounts.length));
  }

  const reset = () => {
    for (const input of [from, to, min, max]) {
      input.value = "";
      input.removeAttribute("aria-invalid");
    }
    message.textContent = "";
    evidence.checked = false;
    currency.selectedIndex = 0;
    state.clear();
  };
  state.addEventListener("filter", follow);
  follow();
  const field = (key, input) => el("label", null, el("span", null, word(key)), input);
  return el("form", { class: "filters", "aria-label": word("filters"), submit: (event) => event.preventDefault() },
    field("from_time", from), field("to_time", to),
    field("amount_min", min), field("amount_max", max), field("currency", currency),
    model.file.claims.length ? field("by_reason", claim) : null,
    el("label", { class: "check" }, evidence, ` ${word("evidence_only")}`),
    button(word("reset"), reset, { id: "reset" }), finder(model, state), message, status);
}

/** A field in which a name is typed: exact names first, then the first that contains it. */
function finder(model, state) {
  const input = el("input", { type: "search", id: "find", placeholder: model.word("find"), "aria-label": model.word("find") });
  const find = () => {
    const wanted = input.value.trim().toLowerCase();
    if (wanted === "") return;
    const kinds = [["account", model.accounts], ["identifier", model.identifiers], ["transfer", model.transfers]];
    for (const matches of [(id) => id === wanted, (id) => id.includes(wanted)]) {
      for (const [type, list] of kinds) {
        const at = list.findIndex((one) => matches(one.id.toLowerCase()));
        if (at >= 0) return state.select(type, at);
      }
    }
    announce(model.word("not_found"));
  };
  input.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), find()));
  return el("span", { class: "finder" }, input, button(model.word("find_short"), find));
}
