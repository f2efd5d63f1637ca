/** Targets in an order in which each comes after those it stands on; cycles are named. */
import { byCodeUnit } from '../json.js';

/** Paths sorted, dependencies first; equal inputs in any order give the same result. A cycle is returned as its members in order. */
export function order(edges: ReadonlyMap<string, readonly string[]>): { readonly order: string[]; readonly cycles: string[][] } {
  const state = new Map<string, 'open' | 'done'>(), sorted: string[] = [], cycles: string[][] = [], trail: string[] = [];
  const visit = (path: string): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      cycles.push(trail.slice(trail.indexOf(path)));
      return;
    }
    state.set(path, 'open');
    trail.push(path);
    for (const base of [...(edges.get(path) ?? [])].sort(byCodeUnit)) if (edges.has(base)) visit(base);
    trail.pop();
    state.set(path, 'done');
    sorted.push(path);
  };
  for (const path of [...edges.keys()].sort(byCodeUnit)) visit(path);
  return { order: sorted, cycles };
}
