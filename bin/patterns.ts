/** Patterns as people type them: one each, or several with commas, as Packer has them. */

/** Splits at commas, but not at those inside of `{a,b}`. */
export function splitPatterns(given: readonly string[]): string[] {
  const out: string[] = [];
  for (const text of given) {
    let depth = 0, part = '';
    for (const c of text) {
      if (c === ',' && depth === 0) { out.push(part); part = ''; continue; }
      if (c === '{') depth++;
      else if (c === '}') depth = Math.max(0, depth - 1);
      part += c;
    }
    out.push(part);
  }
  return out.map(p => p.trim()).filter(p => p !== '');
}
