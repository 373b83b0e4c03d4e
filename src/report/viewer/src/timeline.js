// Transfers over time: how many in each interval, and each one by its amount.

import { el, svg } from "./dom.js";
import * as colour from "./colours.js";
import { shown } from "./money.js";
import { elided, moment } from "./text.js";

const [WIDTH, HEIGHT] = [1100, 300];
const [LEFT, RIGHT, BARS, TOP, BOTTOM] = [92, 12, 70, 96, 268];
const BINS = 72;

export function timeline(model, state) {
  const word = (key, ...values) => model.word(key, ...values);
  const times = model.times.filter((time) => time !== null);
  if (times.length === 0) return el("p", null, word("timeline_none"));
  const first = times.reduce((a, b) => Math.min(a, b));
  const last = Math.max(times.reduce((a, b) => Math.max(a, b)), first + 1_000_000);
  const x = (time) => LEFT + ((time - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const codes = [...new Set(model.transfers.map((transfer) => transfer.paid.currency))];
  const ranked = model.currencies.codes.filter((code) => codes.includes(code));
  const choice = el("select", { id: "timeline-currency", change: () => draw() }, ranked.map((code) => el("option", { value: code }, code)));
  const picture = svg("svg", { class: "timeline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: "-1" });
  const hint = el("p", { class: "small" });
  let dots = [];

  function draw() {
    const code = choice.value;
    picture.replaceChildren();
    picture.setAttribute("aria-label", word("timeline_label", code));
    hint.textContent = word("timeline_hint", code);
    const passing = model.transfers.map((_, at) => at).filter((at) => state.passes[at] && model.times[at] !== null);
    axis();
    bars(passing);
    amounts(passing.filter((at) => model.transfers[at].paid.currency === code), code);
    chosenRange();
  }

  function axis() {
    const days = (last - first) / 86_400e6;
    const digits = days > 3 ? 10 : days > 0.05 ? 16 : 19;
    for (let tick = 0; tick <= 6; tick += 1) {
      const time = first + ((last - first) * tick) / 6;
      const text = new Date(time / 1000).toISOString().slice(0, digits).replace("T", " ");
      const anchor = tick === 0 ? "start" : tick === 6 ? "end" : "middle";
      picture.append(
        svg("line", { x1: x(time), x2: x(time), y1: 8, y2: BOTTOM, class: "grid" }),
        svg("text", { x: x(time), y: BOTTOM + 20, "text-anchor": anchor }, tick === 6 ? `${text} UTC` : text));
    }
    picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: BARS, y2: BARS, class: "base" }), svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: BOTTOM, y2: BOTTOM, class: "base" }));
  }

  function bars(passing) {
    const bins = Array.from({ length: BINS }, () => [0, 0]);
    for (const at of passing) {
      const bin = Math.min(BINS - 1, Math.floor(((model.times[at] - first) / (last - first)) * BINS));
      bins[bin][model.isEvidence(at) ? 0 : 1] += 1;
    }
    const most = Math.max(1, ...bins.map(([evidence, other]) => evidence + other));
    const width = (WIDTH - LEFT - RIGHT) / BINS;
    bins.forEach(([evidence, other], bin) => {
      const heights = [evidence, other].map((number) => (number / most) * (BARS - 12));
      let y = BARS;
      [colour.EVIDENCE, colour.OTHER].forEach((fill, part) => {
        y -= heights[part];
        if (heights[part] > 0) picture.append(svg("rect", { x: LEFT + bin * width + 0.5, y, width: width - 1, height: heights[part], fill }));
      });
    });
    picture.append(svg("text", { x: LEFT - 6, y: 18, "text-anchor": "end" }, String(most)), svg("text", { x: LEFT - 6, y: BARS, "text-anchor": "end" }, "0"));
  }

  function amounts(passing, code) {
    const size = (at) => Math.log10(Math.max(1, Math.abs(Number(model.paid[at] ?? 0n))));
    const all = model.transfers.map((_, at) => at).filter((at) => model.transfers[at].paid.currency === code && model.valid[at]);
    const low = Math.floor(all.reduce((least, at) => Math.min(least, size(at)), Infinity));
    const high = Math.max(low + 1, Math.ceil(all.reduce((most, at) => Math.max(most, size(at)), 0)));
    const y = (at) => BOTTOM - 6 - ((size(at) - low) / (high - low)) * (BOTTOM - TOP - 12);
    const step = Math.max(1, Math.ceil((high - low) / 5));
    for (let power = low; power <= high; power += step) {
      const at = BOTTOM - 6 - ((power - low) / (high - low)) * (BOTTOM - TOP - 12);
      picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at, class: "grid" }), svg("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, model.currencies.shown(code, 10n ** BigInt(power)).split(" ")[0]));
    }
    picture.append(svg("text", { x: LEFT - 6, y: TOP - 8, "text-anchor": "end" }, code));
    dots = passing.map((at) => ({ at, x: x(model.times[at]), y: y(at) }));
    // All dots of a kind are one path: strokes of no length with round ends.
    const path = (places, css) => svg("path", { class: `dots ${css}`, d: places.map((dot) => `M${dot.x.toFixed(1)} ${dot.y.toFixed(1)}h0`).join("") });
    const chosen = (dot) => state.selected?.transfer.has(dot.at);
    picture.append(
      path(dots.filter((dot) => !model.isEvidence(dot.at)), "other"),
      path(dots.filter((dot) => model.isEvidence(dot.at)), "strong"),
      path(dots.filter(chosen), "chosen"));
  }

  function chosenRange() {
    const { from, to } = state.filter;
    if (from === null && to === null) return;
    const [a, b] = [Math.max(LEFT, x(from ?? first)), Math.min(WIDTH - RIGHT, x(to ?? last))];
    picture.append(svg("rect", { class: "range", x: Math.min(a, b), y: 4, width: Math.max(1, b - a), height: BOTTOM - 4 }));
  }

  let start = null;
  let brush = null;
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * WIDTH, y: ((event.clientY - box.top) / box.height) * HEIGHT };
  };
  picture.addEventListener("pointerdown", (event) => {
    start = at(event);
    picture.setPointerCapture(event.pointerId);
    brush = svg("rect", { class: "range", y: 4, height: BOTTOM - 4, x: start.x, width: 0 });
    picture.append(brush);
  });
  picture.addEventListener("pointermove", (event) => {
    if (!start) return;
    const now = at(event);
    brush.setAttribute("x", Math.min(start.x, now.x));
    brush.setAttribute("width", Math.abs(start.x - now.x));
  });
  picture.addEventListener("pointerup", (event) => {
    if (!start) return;
    const [a, b] = [start.x, at(event).x].sort((p, q) => p - q);
    const click = b - a < 4;
    const place = start;
    start = null;
    brush.remove();
    if (click) return pick(place);
    const time = (px) => first + ((Math.min(Math.max(px, LEFT), WIDTH - RIGHT) - LEFT) / (WIDTH - LEFT - RIGHT)) * (last - first);
    const second = (us) => Math.floor(us / 1e6) * 1e6;
    state.setFilter({ from: second(time(a)), to: second(time(b)) + 999_999 });
  });
  picture.addEventListener("pointercancel", () => (start = null, brush?.remove()));

  function pick(place) {
    const away = (dot) => (dot.x - place.x) ** 2 + (dot.y - place.y) ** 2;
    const near = dots.filter((dot) => away(dot) < 144).sort((a, b) => away(a) - away(b))[0];
    if (near) state.select("transfer", near.at);
  }
  picture.addEventListener("pointerover", () => {
    const { selection } = state;
    const one = selection?.type === "transfer" ? model.transfers[selection.at] : null;
    picture.querySelector("title")?.remove();
    if (one) picture.prepend(svg("title", null, `${elided(one.id)} ${moment(one.time)} UTC ${shown(one.paid)}`));
  });
  state.addEventListener("filter", draw);
  state.addEventListener("select", draw);
  draw();
  const chooser = ranked.length > 1 ? el("label", { class: "bar" }, `${word("currency")} `, choice) : null;
  return el("div", null, chooser, picture, hint);
}
