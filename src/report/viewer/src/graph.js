// The graph: accounts are round, identifiers diamonds, transfers from one account to another one arrow.

import cytoscape from "cytoscape";
import { announce, button, el } from "./dom.js";
import * as colour from "./colours.js";
import { Sums } from "./money.js";
import { count, elided, label } from "./text.js";

/** From so many arrows on, moving the picture leaves them out until it rests. */
const LARGE = 1500;
/** The least magnification at which names can be read; a selection is shown at it or more. */
const READABLE = 0.75;
/** From so many accounts outside on, they are folded at first. */
const FOLDED = 60;

export class Graph {
  constructor(model, state, container) {
    Object.assign(this, { model, state, container });
    this.isLarge = model.pairs.length + model.uses.length > LARGE;
    this.folds = model.accounts.map((account) => !account.member);
    this.numOutside = this.folds.filter(Boolean).length;
    if (this.numOutside <= FOLDED) this.folds.fill(false);
    this.#place();
    this.cy = cytoscape({
      container,
      elements: this.#elements(),
      style: style(this.isLarge),
      layout: { name: "preset" },
      minZoom: 0.02,
      maxZoom: 4,
      boxSelectionEnabled: false,
      autoungrabify: true,
      hideEdgesOnViewport: this.isLarge,
      textureOnViewport: this.isLarge,
      pixelRatio: this.isLarge ? 1 : "auto",
    });
    this.nodes = model.accounts.map((_, at) => this.cy.getElementById(`a${at}`));
    this.arrows = model.pairs.map((_, at) => this.cy.getElementById(`p${at}`));
    this.#listen();
    this.refresh();
    this.cy.fit(this.cy.elements(":visible"), 30);
  }

  /** Places of the engine, spread so that nodes do not lie on each other; a grid where it gave none. */
  #place() {
    const { accounts, identifiers } = this.model;
    const all = [...accounts, ...identifiers];
    const side = 95 * Math.sqrt(Math.max(all.length, 4));
    const columns = Math.ceil(Math.sqrt(all.length));
    const at = (node, place) => {
      const [x, y] = [node.x, node.y].every(Number.isFinite)
        ? [node.x, node.y]
        : [(place % columns) / columns, Math.floor(place / columns) / columns];
      return { x: x * side * 1.35, y: y * side };
    };
    this.places = { a: accounts.map(at), i: identifiers.map((node, place) => at(node, accounts.length + place)) };
  }

  #elements() {
    const { model, places } = this;
    const nodes = model.accounts.map((account, at) => {
      const colours = colour.colours(account).slice(0, 4);
      const roles = account.roles.map((role) => model.role(role)).join(", ");
      const data = { id: `a${at}`, type: "account", at, label: `${label(account.id)}${roles ? `\n${roles}` : ""}`, fill: colours[0] };
      for (let slice = 0; slice < 4; slice += 1) {
        data[`c${slice}`] = colours[slice] ?? colours[0];
        data[`s${slice}`] = colours.length > 1 && slice < colours.length ? 100 / colours.length : 0;
      }
      return { data, position: places.a[at], classes: account.member ? "account" : "account outside" };
    });
    model.identifiers.forEach((identifier, at) => {
      const data = { id: `i${at}`, type: "identifier", at, label: `${label(identifier.kind)}\n${label(identifier.id)}` };
      nodes.push({ data, position: places.i[at], classes: "identifier" });
    });
    this.largest = Math.max(1, model.pairs.reduce((most, pair) => Math.max(most, this.#weight(pair.transfers)), 0));
    const edges = model.pairs.map((pair, at) => ({
      data: { id: `p${at}`, type: "pair", at, source: `a${pair.source}`, target: `a${pair.target}`, ...this.#drawn(pair.transfers) },
      classes: "pair",
    }));
    model.uses.forEach((use, at) => {
      edges.push({ data: { id: `u${at}`, type: "use", at, source: `a${use.account}`, target: `i${use.identifier}` }, classes: "use" });
    });
    return [...nodes, ...edges];
  }

  #listen() {
    const { cy, state, container } = this;
    cy.on("tapstart", () => container.focus({ preventScroll: true }));
    cy.on("tap", (event) => {
      // What was pointed at stays under the pointer.
      this.isPointedAt = true;
      this.#tap(event.target);
      this.isPointedAt = false;
    });
    cy.on("dbltap", "node.account", (event) => this.toggleBeside(event.target.data("at")));
    // Cytoscape keeps the place of the graph in the page, which may have moved without its notice.
    const place = () => cy.renderer().invalidateContainerClientCoordsCache();
    for (const event of ["pointerenter", "pointerdown", "mousedown", "touchstart"]) container.addEventListener(event, place, { capture: true, passive: true });
    // The wheel belongs to the page until the graph has the focus.
    cy.userZoomingEnabled(false);
    container.addEventListener("focus", () => cy.userZoomingEnabled(true));
    container.addEventListener("blur", () => cy.userZoomingEnabled(false));
    container.addEventListener("keydown", (event) => this.#key(event));
    state.addEventListener("filter", () => this.refresh());
    state.addEventListener("select", () => this.highlight(!this.isPointedAt));
  }

  #tap(target) {
    const { cy, state } = this;
    if (target === cy) return state.select(null);
    const { type, at } = target.data();
    if (type === "fold") this.fold(false);
    else if (type === "use") state.select("identifier", this.model.uses[at].identifier);
    else if (type === "pair") this.#selectPair(at);
    else if (type) state.select(type, at);
  }

  #selectPair(at) {
    const passing = this.model.pairs[at].transfers.filter((place) => this.state.passes[place]);
    if (passing.length === 1) this.state.select("transfer", passing[0]);
    else this.state.select("pair", at);
  }

  #key(event) {
    const { cy, state } = this;
    const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (steps[event.key]) cy.panBy({ x: steps[event.key][0], y: steps[event.key][1] });
    else if (event.key === "+" || event.key === "=") this.zoom(1.25);
    else if (event.key === "-") this.zoom(0.8);
    else if (event.key === "0") this.fit();
    else if (event.key === "Escape") state.select(null);
    else if (/^[np]$/i.test(event.key)) this.#step(event.key.toLowerCase() === "n" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  #step(by) {
    const { state, cy } = this;
    const total = this.model.accounts.length;
    const start = state.selection?.type === "account" ? state.selection.at : by > 0 ? -1 : 0;
    for (let step = 1; step <= total; step += 1) {
      const at = (start + by * step + total * 2) % total;
      if (cy.getElementById(`a${at}`).visible()) return state.select("account", at);
    }
  }

  zoom(by) {
    const { cy } = this;
    cy.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  }

  fit() {
    this.cy.fit(this.cy.elements(":visible"), 30);
  }

  /** Folds all accounts outside into one node, or shows all. */
  fold(folded) {
    this.model.accounts.forEach((account, at) => (this.folds[at] = folded && !account.member));
    this.refresh();
    this.fit();
  }

  /** Accounts outside beside an account. */
  outsideBeside(at) {
    const { model } = this;
    const others = model.transfersOf[at].map((place) => {
      const { source, target } = model.transfers[place];
      return source === at ? target : source;
    });
    return [...new Set(others)].filter((other) => other !== at && !model.accounts[other].member);
  }

  toggleBeside(at) {
    const beside = this.outsideBeside(at);
    const folded = beside.some((other) => this.folds[other]);
    for (const other of beside) this.folds[other] = !folded;
    this.refresh();
  }

  /** How thick an arrow is: a length, and so a float. */
  #weight(places) {
    return places.reduce((sum, place) => sum + Math.abs(Number(this.model.paid[place] ?? 0n)), 0);
  }

  /** What an arrow shows of some of its transfers. */
  #drawn(places) {
    return { label: this.#sum(places), width: 1 + 5 * Math.sqrt(this.#weight(places) / this.largest) };
  }

  /** Counts, sums and what is visible, after a change of the filters or the folds; only what changed is drawn anew. */
  refresh() {
    const { cy, model, state, folds } = this;
    cy.batch(() => {
      model.accounts.forEach((account, at) => {
        const idle = !state.shownAccounts.has(at);
        this.nodes[at].toggleClass("hidden", folds[at] || (idle && !account.member));
        this.nodes[at].toggleClass("idle", idle);
      });
      model.pairs.forEach((pair, at) => {
        const edge = this.arrows[at];
        const passing = pair.transfers.filter((place) => state.passes[place]);
        edge.toggleClass("hidden", passing.length === 0 || folds[pair.source] || folds[pair.target]);
        edge.toggleClass("evidence", passing.some((place) => model.isEvidence(place)));
        const drawn = this.#drawn(passing);
        if (drawn.label !== edge.data("label")) edge.data(drawn);
      });
      this.#drawFold();
    });
    this.highlight(false);
  }

  /** Count and exact sum of transfers, for an arrow. */
  #sum(places) {
    const { model } = this;
    const sums = new Sums();
    for (const place of places) sums.add(model.transfers[place].paid.currency, model.paid[place]);
    const text = sums.shown(model.currencies).join("\n");
    return places.length > 1 ? `${count(places.length)} × Σ ${text}` : text;
  }

  /** One node for all folded accounts, with one arrow from and to each account that is shown. */
  #drawFold() {
    const { cy, model, state, folds } = this;
    cy.getElementById("fold").remove();
    const folded = folds.flatMap((is, at) => (is ? [at] : []));
    if (folded.length === 0) return;
    const bounds = cy.nodes().not(".hidden").boundingBox({ includeLabels: false });
    const position = { x: bounds.x1 - 120, y: (bounds.y1 + bounds.y2) / 2 };
    cy.add({ data: { id: "fold", type: "fold", label: model.word("folded", count(folded.length)) }, position, classes: "fold" });
    const arrows = new Map();
    model.pairs.forEach((pair) => {
      if (folds[pair.source] === folds[pair.target]) return;
      const ends = folds[pair.source] ? ["fold", `a${pair.target}`] : [`a${pair.source}`, "fold"];
      const passing = pair.transfers.filter((place) => state.passes[place]);
      if (passing.length === 0) return;
      const key = ends.join(" ");
      if (!arrows.has(key)) arrows.set(key, { ends, places: [] });
      arrows.get(key).places.push(...passing);
    });
    for (const [key, { ends, places }] of arrows) {
      cy.add({
        data: { id: `f ${key}`, source: ends[0], target: ends[1], label: this.#sum(places), width: 1.5 },
        classes: places.some((place) => model.isEvidence(place)) ? "pair evidence folded" : "pair folded",
      });
    }
  }

  /** Marks the selection and what is beside it; the rest steps back. Only what changes is touched. */
  highlight(move) {
    const { cy, model, state } = this;
    cy.batch(() => {
      this.marked?.removeClass("chosen beside");
      this.marked = cy.collection();
      if (!state.selection) return cy.elements(".faded").removeClass("faded");
      const { type, at } = state.selection;
      const uses = new Set(type === "account" ? model.usesOf[at] : type === "identifier" ? model.usersOf[at] : []);
      if (type === "claim") for (const identifier of state.selected.identifier) for (const use of model.usersOf[identifier]) uses.add(use);
      const ids = [
        ...[...state.selected.account].map((account) => `a${account}`),
        ...[...state.selected.identifier].map((identifier) => `i${identifier}`),
        ...new Set([...state.selected.transfer].map((transfer) => `p${model.pairOf[transfer]}`)),
        ...[...uses].map((use) => `u${use}`),
      ];
      for (const id of ids) this.marked.merge(cy.getElementById(id));
      if (type === "account") {
        const arrows = cy.getElementById("fold").edgesWith(this.nodes[at]);
        this.marked.merge(arrows).merge(arrows.connectedNodes());
      }
      this.marked.addClass("beside");
      const own = { account: `a${at}`, identifier: `i${at}`, pair: `p${at}`, transfer: `p${model.pairOf[at]}` }[type];
      if (own) cy.getElementById(own).addClass("chosen");
      this.marked.removeClass("faded");
      cy.elements().not(".faded").difference(this.marked).addClass("faded");
    });
    if (move) this.#bringIntoView();
  }

  /** Moves the picture where what is selected is not to be seen, or is too small to be read. */
  #bringIntoView() {
    const { cy } = this;
    const chosen = cy.elements(".chosen").filter(":visible");
    if (chosen.empty()) return;
    if (cy.zoom() < READABLE) {
      cy.fit(cy.elements(".chosen, .beside").filter(":visible"), 60);
      cy.zoom(Math.min(1, Math.max(READABLE, cy.zoom())));
      return cy.center(chosen);
    }
    const [seen, box] = [cy.extent(), chosen.boundingBox({ includeLabels: false })];
    if (box.x1 < seen.x1 || box.x2 > seen.x2 || box.y1 < seen.y1 || box.y2 > seen.y2) cy.center(chosen);
  }
}

function style(isLarge) {
  const fonts = "system-ui, sans-serif";
  const slices = [0, 1, 2, 3].flatMap((slice) => [
    [`pie-${slice + 1}-background-color`, `data(c${slice})`],
    [`pie-${slice + 1}-background-size`, `data(s${slice})`],
  ]);
  return [
    { selector: "node", style: { label: "data(label)", "font-family": fonts, "font-size": 11, "min-zoomed-font-size": 7, "text-wrap": "wrap", "text-valign": "bottom", "text-margin-y": 3, color: "#16202e", "text-outline-color": "#fff", "text-outline-width": isLarge ? 0 : 2, "border-width": 1.5, "border-color": "#16202e" } },
    { selector: "node.account", style: { width: 30, height: 30, "background-color": "data(fill)", "pie-size": "100%", ...Object.fromEntries(slices) } },
    { selector: "node.outside", style: { width: 20, height: 20, "border-style": "dashed", "border-color": "#5b6675" } },
    { selector: "node.identifier", style: { shape: "diamond", width: 26, height: 26, "background-color": colour.IDENTIFIER, "border-color": "#7a5b00" } },
    { selector: "node.fold", style: { shape: "round-rectangle", width: 46, height: 46, "background-color": "#eef2f7", "border-style": "dashed", "border-color": "#5b6675", "border-width": 2 } },
    { selector: "edge", style: { "curve-style": isLarge ? "straight" : "bezier", "target-arrow-shape": "triangle", "arrow-scale": 0.9, width: "data(width)", "line-color": colour.OTHER, "target-arrow-color": colour.OTHER, label: isLarge ? "" : "data(label)", "font-family": fonts, "font-size": 9, "min-zoomed-font-size": 9, "text-rotation": "autorotate", "text-wrap": "wrap", color: "#16202e", "text-background-color": "#fff", "text-background-opacity": 0.85, "text-background-padding": 1 } },
    { selector: "edge.use", style: { "curve-style": "straight", "target-arrow-shape": "none", "line-style": "dashed", "line-color": "#b08900", width: 1.2, label: "" } },
    { selector: "edge.evidence", style: { "line-color": colour.EVIDENCE, "target-arrow-color": colour.EVIDENCE, "z-index": 5 } },
    { selector: "edge.folded", style: { "line-style": "dashed" } },
    { selector: ".idle", style: { opacity: 0.35 } },
    { selector: ".faded", style: { opacity: 0.13, "text-opacity": 0.2 } },
    { selector: "edge.faded", style: isLarge ? { visibility: "hidden" } : {} },
    { selector: "node.beside", style: { "border-width": 2.5, "border-color": colour.SELECTED } },
    { selector: "edge.beside", style: { "min-zoomed-font-size": 6, "z-index": 8 } },
    { selector: "edge.pair.beside", style: { label: "data(label)", ...(isLarge ? { width: 3, "arrow-scale": 1.5 } : {}) } },
    { selector: "node.chosen", style: { "border-width": 5, "border-color": colour.SELECTED, "min-zoomed-font-size": 0 } },
    { selector: "edge.chosen", style: { "line-color": colour.SELECTED, "target-arrow-color": colour.SELECTED, "min-zoomed-font-size": 0, "z-index": 9 } },
    { selector: ".hidden", style: { display: "none" } },
  ];
}

/** The buttons above the graph. */
export function controls(model, graph) {
  const word = (key) => model.word(key);
  const save = () => {
    const link = el("a", { download: "ringfence.png", href: graph.cy.png({ full: true, maxWidth: 4000, maxHeight: 4000, bg: "#fff" }) });
    link.click();
  };
  const icon = (text, key, press) => button(text, press, { "aria-label": word(key), title: word(key) });
  return el("div", { class: "bar" },
    icon("+", "zoom_in", () => graph.zoom(1.25)),
    icon("−", "zoom_out", () => graph.zoom(0.8)),
    button(word("fit"), () => graph.fit(), { id: "fit" }),
    graph.numOutside ? button(word("outside_show"), () => graph.fold(false), { id: "outside-show" }) : null,
    graph.numOutside ? button(word("outside_hide"), () => graph.fold(true), { id: "outside-hide" }) : null,
    button(word("save_png"), save, { id: "save-png" }),
    el("span", { class: "small" }, word("graph_hint")));
}

/** What shapes and colours mean. */
export function legend(model) {
  const word = (key) => model.word(key);
  const roles = [...new Set(model.accounts.flatMap((account) => account.roles))];
  const swatch = (css, text, fill) => {
    const mark = el("i", { class: `swatch ${css}`, "aria-hidden": true });
    if (fill) mark.style.background = fill;
    return el("li", null, mark, text);
  };
  const plain = model.accounts.some((account) => account.member && account.roles.length === 0);
  return el("ul", { class: "legend", "aria-label": word("legend") },
    roles.map((role) => swatch("round", model.role(role), colour.roleColour(role))),
    plain ? swatch("round", `${word("member")}, ${word("no_role")}`, colour.MEMBER) : null,
    model.accounts.some((account) => !account.member) ? swatch("round dashed", word("outside"), colour.OUTSIDE) : null,
    model.identifiers.length ? swatch("diamond", word("identifier"), colour.IDENTIFIER) : null,
    swatch("line strong", word("evidence_transfer")), swatch("line", word("other_transfer")),
    model.uses.length ? swatch("line uses", word("uses")) : null);
}

/** Says what is selected to those who do not see it. */
export function describe(model, state) {
  const { selection } = state;
  if (!selection) return announce(model.word("cleared"));
  const { type, at } = selection;
  const name = {
    account: () => elided(model.accounts[at].id),
    identifier: () => elided(model.identifiers[at].id),
    transfer: () => elided(model.transfers[at].id),
    pair: () => model.word("transfers_between"),
    claim: () => `${model.word("reason")} ${at + 1}`,
  }[type]();
  announce(model.word("selected", name));
}
