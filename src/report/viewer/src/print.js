// The graph for paper: the same picture without a canvas, made when the page is printed.

import * as colour from "./colours.js";
import { el, svg } from "./dom.js";

/** A still picture of what `cy` shows. */
export function still(cy, title) {
  const elements = cy.elements(":visible");
  const box = elements.boundingBox();
  const picture = svg("svg", { viewBox: [box.x1 - 10, box.y1 - 10, Math.max(box.w, 1) + 20, Math.max(box.h, 1) + 20].join(" "), role: "img", "aria-label": title });
  const tips = ["evidence", "other"].map((css) =>
    svg("marker", { id: `tip-${css}`, viewBox: "0 0 6 6", refX: 6, refY: 3, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto" },
      svg("path", { d: "M0 0L6 3L0 6z", fill: css === "evidence" ? colour.EVIDENCE : colour.OTHER })));
  picture.append(svg("defs", null, tips));
  const evidenceLast = elements.edges().toArray().sort((a, b) => a.hasClass("evidence") - b.hasClass("evidence"));
  for (const edge of evidenceLast) {
    const points = [edge.sourceEndpoint(), ...(edge.controlPoints() ?? []), edge.targetEndpoint()].filter((point) => Number.isFinite(point?.x));
    if (points.length < 2) continue;
    const [from, ...rest] = points.map((point) => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`);
    const [use, evidence] = [edge.hasClass("use"), edge.hasClass("evidence")];
    picture.append(svg("path", {
      d: `M${from}${rest.length === 2 ? "Q" : "L"}${rest.join(" ")}`,
      fill: "none",
      stroke: use ? "#b08900" : evidence ? colour.EVIDENCE : colour.OTHER,
      "stroke-width": use ? 1.2 : edge.data("width"),
      "stroke-dasharray": use ? "4 3" : null,
      "marker-end": use ? null : `url(#tip-${evidence ? "evidence" : "other"})`,
    }));
  }
  elements.nodes().forEach((node) => {
    const { x, y } = node.position();
    const half = node.width() / 2;
    const stroke = { stroke: "#16202e", "stroke-width": 1.5, "stroke-dasharray": node.hasClass("outside") || node.hasClass("fold") ? "3 2" : null };
    if (node.hasClass("identifier")) picture.append(svg("path", { d: `M${x} ${y - half}l${half} ${half}l${-half} ${half}l${-half} ${-half}z`, fill: colour.IDENTIFIER, ...stroke }));
    else picture.append(svg("circle", { cx: x, cy: y, r: half, fill: node.data("fill") ?? "#eef2f7", ...stroke }));
    node.data("label").split("\n").forEach((line, at) =>
      picture.append(svg("text", { x, y: y + half + 12 + at * 12, "text-anchor": "middle", "font-size": 11 }, line)));
  });
  return picture;
}

/** Keeps a still picture beside the graph while the page is printed. */
export function printed(cy, after, title) {
  const place = el("figure", { class: "still", "aria-hidden": "true" });
  after.after(place);
  window.addEventListener("beforeprint", () => place.replaceChildren(still(cy, title), el("figcaption", null, title)));
  window.addEventListener("afterprint", () => place.replaceChildren());
}
