/** How long work took, to three digits: `1.32 s`, `240 ms`. dashboard/words.py says the same. */
const UNITS = [
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

/** @param {number} nanos */
export function took(nanos) {
  for (const [unit, name] of UNITS) {
    if (nanos >= unit) {
      const value = nanos / unit;
      return `${value.toFixed(Math.max(0, 3 - `${Math.floor(value)}`.length))} ${name}`;
    }
  }
  return `${Math.round(nanos)} ns`;
}

/** @param {number} value */
export const number = (value) => value.toLocaleString("en");
