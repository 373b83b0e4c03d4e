// Filters by time, amount, reason; the search; how much passes.

import { announce, button, el } from "./dom.js";
import { elided, count } from "./text.js";
import { micros } from "./model.js";

/** A moment for an input of the kind `datetime-local`: to the second, in UTC. */
const local = (us) => new Date(Math.floor(us / 1000)).toISOString().slice(0, 19);

export function filters(model, state) {
  const word = (key, ...values) => model.word(key, ...values);
  const apply = () => read(false);
  const time = (key) => el("input", { type: "datetime-local", step: "1", id: key.replace("_", "-"), change: apply });
  const [from, to] = [time("from_time"), time("to_time")];
  const amount = (id) => el("input", { type: "text", inputmode: "decimal", size: "10", id, placeholder: word("any"), change: apply, "aria-describedby": "amount-message" });
  const [min, max] = [amount("amount-min"), amount("amount-max")];
  const option = (value, text) => el("option", { value }, text);
  const { codes } = model.currencies;
  const currency = el("select", { id: "currency", change: apply }, codes.length === 1 ? null : option("", word("all_currencies")), codes.map((code) => option(code, code)));
  const claims = model.file.claims.map((claim, at) => option(String(at), `${at + 1}. ${elided(claim.text, 60, 48, 8)}`));
  const claim = el("select", { id: "claim", change: apply }, option("", word("all_reasons")), claims);
  const evidence = el("input", { type: "checkbox", id: "evidence-only", change: apply });
  const message = el("span", { id: "amount-message", class: "message", role: "alert" });
  const status = el("output", { id: "status", class: "status" });

  function bound(input, code, up) {
    if (input.value.trim() === "") return null;
    const units = code === null ? undefined : model.currencies.parse(code, input.value, up);
    if (units === undefined) message.textContent = word(code === null ? "choose_currency" : "bad_amount");
    input.setAttribute("aria-invalid", units === undefined);
    return units ?? null;
  }

  function read() {
    message.textContent = "";
    for (const input of [min, max]) input.removeAttribute("aria-invalid");
    const only = codes.length === 1 ? codes[0] : null;
    const code = only ?? (currency.value || null);
    const moment = (input) => (input.value === "" ? null : micros(`${input.value.length === 16 ? `${input.value}:00` : input.value.replace(/\.\d+$/, "")}Z`));
    const last = moment(to);
    state.setFilter({
      from: moment(from),
      to: last === null ? null : last + 999_999,
      currency: only ? null : code,
      min: bound(min, code, true),
      max: bound(max, code, false),
      claim: claim.value === "" ? null : Number(claim.value),
      evidence: evidence.checked,
    });
  }

  /** Takes over what was filtered elsewhere: in the timeline, or by a button beside a reason. */
  function follow() {
    const { filter } = state;
    const set = (input, us) => (input.value = us === null ? "" : local(us));
    set(from, filter.from);
    set(to, filter.to);
    claim.value = filter.claim === null ? "" : String(filter.claim);
    status.textContent = word("status", count(state.numPassing), count(model.transfers.length), count(state.shownAccounts.size), count(model.accounts.length));
  }

  const reset = () => {
    min.value = max.value = message.textContent = "";
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
