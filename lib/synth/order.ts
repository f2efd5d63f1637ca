/** Targets in an order in which each comes after those it stands on; cycles are named. */
import { byCodeUnit } from '../json.js';

/** Paths sorted, dependencies first; equal inputs in any order give the same result. A cycle is returned as its members in order. */
export function order(edges: ReadonlyMap<string, readonly string[]>): { readonly order: string[]; readonly cycles: string[][] } {
  const state = new Map<string, 'open' | 'done'>(), sorted: string[] = [], cycles: string[][] = [];
  // The way down, as a list of its own: a long chain must not exhaust the stack.
  const trail: { readonly path: string; readonly bases: string[] }[] = [];
  const open = (path: string): void => {
    state.set(path, 'open');
    trail.push({ path, bases: [...(edges.get(path) ?? [])].filter(base => edges.has(base)).sort(byCodeUnit).reverse() });
  };
  for (const start of [...edges.keys()].sort(byCodeUnit)) {
    if (!state.has(start)) open(start);
    for (let last = trail.at(-1); last !== undefined; last = trail.at(-1)) {
      const base = last.bases.pop();
      if (base === undefined) {
        trail.pop();
        state.set(last.path, 'done');
        sorted.push(last.path);
      } else if (state.get(base) === 'open') {
        cycles.push(trail.slice(trail.findIndex(t => t.path === base)).map(t => t.path));
      } else if (!state.has(base)) {
        open(base);
      }
    }
  }
  return { order: sorted, cycles };
}
