// Exact amounts: minor units as BigInt; a float only where a length is drawn.

import { visible } from "./text.js";

/** A decimal with commas between groups of three digits; anything else as it is. */
export function grouped(decimal) {
  const parts = /^(-?)(\d+)(\.\d+)?$/.exec(decimal);
  if (!parts) return visible(decimal);
  return parts[1] + parts[2].replace(/\B(?=(\d{3})+$)/g, ",") + (parts[3] ?? "");
}

/** An amount of a case file, for readers. */
export const shown = (amount) => `${grouped(amount.amount)} ${visible(amount.currency)}`;

/** Minor units of an amount of a case file; null where they are no whole number. */
export const minor = (amount) => (/^-?\d+$/.test(amount.minor) ? BigInt(amount.minor) : null);

/** Digits after the point of each currency, as its amounts are written. */
export class Currencies {
  constructor(amounts) {
    this.digits = new Map();
    this.uses = new Map();
    for (const amount of amounts) {
      const digits = amount.amount.length - 1 - amount.amount.lastIndexOf(".");
      const known = this.digits.get(amount.currency) ?? 0;
      this.digits.set(amount.currency, Math.max(known, amount.amount.includes(".") ? digits : 0));
      this.uses.set(amount.currency, (this.uses.get(amount.currency) ?? 0) + 1);
    }
    /** The codes, the one with most amounts first. */
    this.codes = [...this.uses].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([code]) => code);
  }

  /** The exact decimal of `minor` units. */
  decimal(currency, units) {
    const digits = this.digits.get(currency) ?? 0;
    const sign = units < 0n ? "-" : "";
    const text = String(units < 0n ? -units : units).padStart(digits + 1, "0");
    return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
  }

  shown(currency, units) {
    return `${grouped(this.decimal(currency, units))} ${visible(currency)}`;
  }

  /** Minor units of what a reader wrote; rounded up or down where it has more digits; undefined if no amount. */
  parse(currency, text, up) {
    const parts = /^(\d+)(?:\.(\d*))?$/.exec(text.replace(/[,\s]/g, ""));
    if (!parts) return undefined;
    const digits = this.digits.get(currency) ?? 0;
    const fraction = parts[2] ?? "";
    const units = BigInt(parts[1] + fraction.slice(0, digits).padEnd(digits, "0"));
    return up && /[1-9]/.test(fraction.slice(digits)) ? units + 1n : units;
  }
}

/** Sums by currency. */
export class Sums {
  constructor() {
    this.by = new Map();
  }

  add(currency, units) {
    if (units !== null) this.by.set(currency, (this.by.get(currency) ?? 0n) + units);
  }

  /** One text a currency. */
  shown(currencies) {
    return [...this.by].map(([currency, units]) => currencies.shown(currency, units));
  }
}
