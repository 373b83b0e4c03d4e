// Names and sentences: visible, isolated, elided. The same rules as in `../case/markup.rs`.

const ACTS =
  /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

const NAME_MAX = 64;

const spelled = (c) => `⟦U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟧`;

/** `text` with every character that acts instead of showing written out. */
export const visible = (text) => text.replace(ACTS, spelled);

/** The visible ends of a long name; a short one in full; one that would show nothing, spelled out. */
export function elided(name, max = NAME_MAX, head = 40, tail = 12) {
  if (name === "") return "⟦⟧";
  if (/^ +$/.test(name)) name = name.replace(/ /g, spelled);
  if (name.length <= max) return visible(name);
  const characters = Array.from(name);
  if (characters.length <= max) return visible(name);
  return `${visible(characters.slice(0, head).join(""))}…${visible(characters.slice(-tail).join(""))}`;
}

/** A name beside a drawn node. */
export const label = (name) => elided(name, 18, 9, 6);

/** `pattern` with `{0}`, `{1}`, … replaced. */
export function fill(pattern, ...values) {
  return pattern.replace(/\{(\d)\}/g, (place, at) => (at < values.length ? String(values[at]) : place));
}

/** A whole number with commas between groups of three digits. */
export const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

/** A moment as a reader takes it in: `2024-01-31 12:00:00`, UTC. */
export function moment(time) {
  const parts = /^([^T]*)T(.*)Z$/s.exec(time);
  return visible(parts ? `${parts[1]} ${parts[2]}` : time);
}
