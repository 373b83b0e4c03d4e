// Makes the page of a case file more than a text: reads the data that stands in it and draws.

import { details } from "./details.js";
import { button, el } from "./dom.js";
import { filters } from "./filters.js";
import { flow } from "./flow.js";
import { Graph, controls, describe, legend } from "./graph.js";
import { lists } from "./lists.js";
import { Model } from "./model.js";
import { printed } from "./print.js";
import { State } from "./state.js";
import { timeline } from "./timeline.js";
import { visible } from "./text.js";

function contents(model) {
  const links = [...document.querySelectorAll("main > section")].map((section) =>
    el("li", null, el("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
  return el("nav", { class: "contents", "aria-label": model.word("contents") }, el("ul", null, links));
}

/** The graph with what belongs to it; without it where it cannot be drawn, so that the rest goes on. */
function explore(model, state) {
  const canvas = el("div", { id: "graph", class: "graph", tabindex: "0", role: "application", "aria-label": model.word("graph_label") });
  const view = document.getElementById("explore-view");
  const side = el("div", { class: "explore" }, canvas);
  view.append(filters(model, state), side);
  let graph = null;
  try {
    graph = new Graph(model, state, canvas);
    side.before(controls(model, graph));
    side.after(legend(model));
    printed(graph.cy, side, model.word("printed_view"));
  } catch (error) {
    canvas.replaceChildren(el("p", { class: "warning" }, model.word("graph_failed", visible(String(error)))));
  }
  side.append(details(model, state, graph));
}

/** A button beside each reason that shows what it rests on. */
function reasons(model, state) {
  for (const item of document.querySelectorAll("[data-claim]")) {
    const at = Number(item.dataset.claim);
    const press = () => {
      state.select("claim", at);
      document.getElementById("explore").scrollIntoView({ behavior: "auto" });
    };
    (item.querySelector(".small") ?? item).append(" ", button(model.word("show_in_graph"), press, { class: "quiet show-claim" }));
  }
}

function start() {
  const model = new Model(document.getElementById("case").textContent);
  const state = new State(model);
  document.body.append(el("div", { id: "live", class: "live", role: "status", "aria-live": "polite" }));
  document.documentElement.classList.add("js");
  explore(model, state);
  document.getElementById("timeline-view").append(timeline(model, state));
  document.getElementById("flow-view").append(flow(model, state));
  lists(model, state);
  reasons(model, state);
  document.querySelector("header").after(contents(model));
  state.addEventListener("select", () => describe(model, state));
  document.documentElement.classList.add("ready");
}

try {
  start();
} catch (error) {
  // What can be read without the script stays.
  document.documentElement.classList.remove("js");
  document.querySelector("main").prepend(el("p", { class: "warning", role: "alert" }, visible(String(error))));
  console.error(error);
}
