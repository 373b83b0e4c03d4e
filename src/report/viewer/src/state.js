// What is filtered and what is selected; everything that draws listens here.

export class State extends EventTarget {
  constructor(model) {
    super();
    this.model = model;
    /** `{ type: "account" | "identifier" | "transfer" | "pair" | "claim", at }` or null. */
    this.selection = null;
    this.clear();
  }

  clear() {
    this.setFilter({ from: null, to: null, currency: null, min: null, max: null, claim: null, evidence: false });
  }

  setFilter(change) {
    const { model } = this;
    const filter = { ...this.filter, ...change };
    this.filter = filter;
    this.passes = model.transfers.map((transfer, at) => {
      const [time, paid] = [model.times[at], model.paid[at]];
      if (!model.valid[at]) return false;
      if (filter.from !== null && !(time !== null && time >= filter.from)) return false;
      if (filter.to !== null && !(time !== null && time <= filter.to)) return false;
      if (filter.currency !== null && transfer.paid.currency !== filter.currency) return false;
      if (filter.min !== null && !(paid !== null && paid >= filter.min)) return false;
      if (filter.max !== null && !(paid !== null && paid <= filter.max)) return false;
      if (filter.claim !== null && !model.claimsOf[at].includes(filter.claim)) return false;
      return !filter.evidence || model.isEvidence(at);
    });
    const { evidence, ...bounds } = filter;
    this.isFiltered = evidence || Object.values(bounds).some((bound) => bound !== null);
    this.shownAccounts = new Set();
    this.numPassing = 0;
    model.transfers.forEach((transfer, at) => {
      if (!this.passes[at]) return;
      this.numPassing += 1;
      this.shownAccounts.add(transfer.source).add(transfer.target);
    });
    if (!this.isFiltered) model.accounts.forEach((_, at) => this.shownAccounts.add(at));
    this.dispatchEvent(new Event("filter"));
  }

  select(type, at) {
    this.selection = type === null ? null : { type, at };
    this.selected = this.#reach();
    this.dispatchEvent(new Event("select"));
  }

  /** The places in each list that belong to the selection. */
  #reach() {
    const reach = { account: new Set(), identifier: new Set(), transfer: new Set() };
    if (!this.selection) return reach;
    const { model } = this;
    const { type, at } = this.selection;
    const transfers = {
      account: () => model.transfersOf[at],
      identifier: () => [],
      transfer: () => [at],
      pair: () => model.pairs[at].transfers,
      claim: () => model.file.claims[at].transfers.filter((place) => model.valid[place]),
    }[type]();
    for (const place of transfers) {
      reach.transfer.add(place);
      reach.account.add(model.transfers[place].source).add(model.transfers[place].target);
    }
    if (type === "account") {
      reach.account.add(at);
      for (const use of model.usesOf[at]) reach.identifier.add(model.uses[use].identifier);
    }
    if (type === "identifier") {
      reach.identifier.add(at);
      for (const use of model.usersOf[at]) reach.account.add(model.uses[use].account);
    }
    if (type === "claim") {
      for (const place of model.file.claims[at].identifiers) {
        if (place >= model.identifiers.length) continue;
        reach.identifier.add(place);
        for (const use of model.usersOf[place]) reach.account.add(model.uses[use].account);
      }
    }
    return reach;
  }
}
