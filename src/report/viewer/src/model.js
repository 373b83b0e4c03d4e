// The case file as it came, and what is looked up in it again and again.

import words from "../words.json";
import { Currencies, minor } from "./money.js";
import { elided, fill } from "./text.js";

/** Microseconds since 1970 of a moment of a case file; null where it is none. Whole up to the year 2255. */
export function micros(time) {
  const parts = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(time ?? "");
  const ms = parts ? Date.parse(`${parts[1]}Z`) : NaN;
  return Number.isNaN(ms) ? null : ms * 1000 + Number((parts[2] ?? "").padEnd(6, "0"));
}

export class Model {
  constructor(text) {
    const file = JSON.parse(text);
    this.file = file;
    this.words = words[file.language] ?? words.en;
    this.accounts = file.accounts;
    this.identifiers = file.identifiers;
    const [numAccounts, numIdentifiers] = [file.accounts.length, file.identifiers.length];
    // A transfer or a use that points outside its list is left out rather than drawn wrongly.
    this.transfers = file.transfers;
    this.valid = file.transfers.map((t) => t.source < numAccounts && t.target < numAccounts);
    this.uses = file.uses.filter((use) => use.account < numAccounts && use.identifier < numIdentifiers);
    this.paid = file.transfers.map((t) => minor(t.paid));
    this.times = file.transfers.map((t) => micros(t.time));
    this.currencies = new Currencies([
      ...file.transfers.map((t) => t.paid),
      ...file.flow_links.map((link) => link.amount),
    ]);
    this.#index();
  }

  #index() {
    const { accounts, identifiers, transfers } = this;
    this.claimsOf = transfers.map(() => []);
    this.file.claims.forEach((claim, at) => {
      for (const place of claim.transfers) this.claimsOf[place]?.push(at);
    });
    this.transfersOf = accounts.map(() => []);
    /** Transfers from one account to another: drawn as one. */
    this.pairs = [];
    this.pairOf = transfers.map(() => -1);
    const pairs = new Map();
    transfers.forEach((transfer, at) => {
      if (!this.valid[at]) return;
      this.transfersOf[transfer.source].push(at);
      if (transfer.target !== transfer.source) this.transfersOf[transfer.target].push(at);
      const key = transfer.source * accounts.length + transfer.target;
      if (!pairs.has(key)) {
        pairs.set(key, this.pairs.length);
        this.pairs.push({ source: transfer.source, target: transfer.target, transfers: [] });
      }
      this.pairOf[at] = pairs.get(key);
      this.pairs[pairs.get(key)].transfers.push(at);
    });
    this.usesOf = accounts.map(() => []);
    this.usersOf = identifiers.map(() => []);
    this.uses.forEach((use, at) => {
      this.usesOf[use.account].push(at);
      this.usersOf[use.identifier].push(at);
    });
  }

  word(key, ...values) {
    return fill(this.words[key] ?? key, ...values);
  }

  counted(number, one, many) {
    return number === 1 ? this.word(one) : this.word(many, number);
  }

  role(name) {
    return elided(this.words[`role_${name}`] ?? name);
  }

  kind(name) {
    return elided(this.words[`kind_${name}`] ?? name);
  }

  /** Whether some reason rests on a transfer. */
  isEvidence(at) {
    return this.transfers[at].evidence || this.claimsOf[at].length > 0;
  }
}
