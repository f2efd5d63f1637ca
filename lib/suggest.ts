/** "Did you mean …?": the known name that is nearest to an unknown one. */

/** The nearest candidate, or undefined where none is near enough (a third of the letters may differ). */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = fold(name);
  let best: string | undefined, least = Math.floor(Math.max(wanted.length, 3) / 3) + 1;
  for (const candidate of candidates) {
    const d = fold(candidate) === wanted ? 0 : distance(wanted, fold(candidate), least);
    if (d < least) { best = candidate; least = d; }
  }
  return best;
}

/** `isoURL`, `iso_url` and `iso-url` are the same word to a person. */
const fold = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, '');

/** Edits (insert, delete, replace, swap of neighbours) from a to b; `limit` where there are as many or more. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [], row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row; row = next;
  }
  return row[b.length]!;
}
