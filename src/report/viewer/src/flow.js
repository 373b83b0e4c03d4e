// The money flow, step by step.

import { sankey } from "d3-sankey";
import * as colour from "./colours.js";
import { el, isolated, svg } from "./dom.js";
import { minor, shown } from "./money.js";
import { Table } from "./table.js";
import { count, elided, label } from "./text.js";

/** Links that are drawn: the largest. */
const DRAWN = 160;
const [WIDTH, MARGIN] = [1280, 8];

export function flow(model, state) {
  const word = (key, ...values) => model.word(key, ...values);
  const nodes = model.file.flow_nodes;
  // A link that goes nowhere or back would make a cycle of what has none.
  const links = model.file.flow_links.filter((link) => {
    const units = minor(link.amount);
    return nodes[link.source] && nodes[link.target] && nodes[link.source].step < nodes[link.target].step && units !== null && units > 0n;
  });
  const currencies = model.currencies.codes.filter((code) => links.some((link) => link.amount.currency === code));
  if (currencies.length === 0) return el("p", null, word("flow_none"));
  const choice = el("select", { id: "flow-currency", change: () => draw() }, currencies.map((code) => el("option", { value: code }, code)));
  const picture = el("div", { class: "scroll flow" });
  const part = el("p", { class: "small" });
  const places = () => links.map((_, at) => at).filter((at) => links[at].amount.currency === choice.value);
  const name = (at) => elided(nodes[at].label);
  const table = new Table(model, {
    caption: word("flow_table"),
    rows: places,
    columns: [
      { title: word("step"), text: (at) => String(nodes[links[at].source].step), key: (at) => nodes[links[at].source].step, number: true },
      { title: word("from"), text: (at) => name(links[at].source), cell: (at) => isolated(name(links[at].source)) },
      { title: word("to"), text: (at) => name(links[at].target), cell: (at) => isolated(name(links[at].target)) },
      { title: word("amount"), text: (at) => shown(links[at].amount), key: (at) => minor(links[at].amount), number: true },
      { title: word("transfers"), text: (at) => String(links[at].num_transfers), key: (at) => links[at].num_transfers, number: true },
    ],
  });

  function draw() {
    const code = choice.value;
    const units = (at) => minor(links[at].amount);
    const all = places();
    const drawn = [...all].sort((a, b) => (units(a) < units(b) ? 1 : units(a) > units(b) ? -1 : a - b)).slice(0, DRAWN);
    part.textContent = all.length > DRAWN ? word("flow_part", count(DRAWN), count(all.length)) : "";
    picture.replaceChildren(diagram(code, drawn));
    table.show(0);
  }

  function diagram(code, drawn) {
    const used = [...new Set(drawn.flatMap((at) => [links[at].source, links[at].target]))].sort((a, b) => a - b);
    const steps = [...new Set(used.map((at) => nodes[at].step))].sort((a, b) => a - b);
    const graph = {
      nodes: used.map((at) => ({ id: at, column: steps.indexOf(nodes[at].step) })),
      // A thread of no width through all columns keeps each node in the column of its step.
      links: drawn.map((at) => ({ at, source: links[at].source, target: links[at].target, value: Number(minor(links[at].amount)) })),
    };
    steps.forEach((_, column) => {
      graph.nodes.push({ id: `thread${column}`, column, thread: true });
      if (column > 0) graph.links.push({ source: `thread${column - 1}`, target: `thread${column}`, value: 0, thread: true });
    });
    const most = Math.max(...steps.map((_, column) => graph.nodes.filter((node) => node.column === column).length));
    const width = Math.max(WIDTH, steps.length * 205);
    const height = Math.max(300, most * 24);
    sankey().nodeId((node) => node.id).nodeAlign((node) => node.column).nodeWidth(12).nodePadding(Math.min(14, (height - 40) / most / 2))
      .extent([[MARGIN, 12], [width - MARGIN - 200, height - 12]])(graph);
    const view = svg("svg", { class: "sankey", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": word("flow_label", code) });
    for (const link of graph.links) if (!link.thread) view.append(ribbon(link));
    for (const node of graph.nodes) if (!node.thread) view.append(box(node, code));
    return view;
  }

  function ribbon(link) {
    const given = links[link.at];
    const [x0, x1] = [link.source.x1, link.target.x0];
    const middle = (x0 + x1) / 2;
    const title = `${name(given.source)} → ${name(given.target)}\n${shown(given.amount)} · ${model.counted(given.num_transfers, "one_transfer", "num_transfers")}`;
    return svg("path", { class: "ribbon", d: `M${x0} ${link.y0}C${middle} ${link.y0} ${middle} ${link.y1} ${x1} ${link.y1}`, "stroke-width": Math.max(1, link.width), stroke: fillOf(link.source.id) }, svg("title", null, title));
  }

  function fillOf(at) {
    const account = model.accounts[nodes[at].account];
    const fill = account ? colour.colours(account)[0] : colour.OTHER;
    return fill === colour.OUTSIDE ? "#7d8896" : fill;
  }

  function box(node, code) {
    const { account, label: given } = nodes[node.id];
    const sum = (list) => list.filter((link) => !link.thread).reduce((total, link) => total + minor(links[link.at].amount), 0n);
    const [into, out] = [sum(node.targetLinks), sum(node.sourceLinks)];
    const total = model.currencies.shown(code, into > out ? into : out);
    const known = account !== null && account < model.accounts.length;
    const pick = () => known && state.select("account", account);
    const key = (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), pick());
    const press = known ? { tabindex: "0", role: "button", click: pick, keydown: key } : {};
    const text = svg("text", { x: node.x1 + 5, y: (node.y0 + node.y1) / 2 + 4 }, label(given), svg("tspan", { class: "sum", dx: 5 }, total));
    return svg("g", { class: "step-node", "aria-label": `${elided(given)} ${total}`, ...press },
      svg("rect", { x: node.x0, y: node.y0, width: node.x1 - node.x0, height: Math.max(1, node.y1 - node.y0), fill: fillOf(node.id) }),
      text, svg("title", null, `${elided(given)}\n${total}`));
  }

  draw();
  const chooser = el("label", { class: "bar" }, `${word("currency")} `, choice);
  return el("div", null, currencies.length > 1 ? chooser : null, el("p", { class: "small" }, word("flow_hint")), picture, part, el("details", null, el("summary", null, word("flow_table")), table.element));
}
