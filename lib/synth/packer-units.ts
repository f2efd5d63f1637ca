/** Sizes and durations as Packer writes them. */

/** `1h30m`, `90s` as `1m30s`, `500ms`, `0s`: whole units of Go's notation. */
export function goDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds), out = '';
  for (const [unit, length] of [['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1]] as const) {
    const n = Math.floor(rest / length);
    if (n > 0) out += `${n}${unit}`;
    rest -= n * length;
  }
  return out === '' ? '0s' : out;
}

/** The largest unit that is exact: `40G`, `512M`, `1536K`; bytes without one. */
export function sizeText(bytes: number): string {
  for (const [unit, length] of [['T', 1024 ** 4], ['G', 1024 ** 3], ['M', 1024 ** 2], ['K', 1024]] as const) {
    if (bytes >= length && bytes % length === 0) return `${bytes / length}${unit}`;
  }
  return String(bytes);
}

const divisors: { readonly [unit: string]: number } = { bytes: 1, mib: 1024 ** 2, gib: 1024 ** 3, milliseconds: 1, seconds: 1000, minutes: 60_000 };
/** A number in a unit, rounded up: less than what was asked for would be wrong. */
export function inUnit(value: number, unit: string): number {
  return Math.ceil(value / (divisors[unit] ?? 1));
}
