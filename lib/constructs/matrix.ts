/** Every combination of some axes, with ids that stay the same whatever the order they are written in. */
import { byCodeUnit } from '../json.js';

export type Axes = { readonly [axis: string]: readonly (string | { readonly name: string })[] };
export type Cell<A extends Axes> = { readonly [X in keyof A]: A[X][number] } & { readonly id: string };

/**
 * Calls `make` for each combination, and returns what it made by the cell's id: the values' names joined by `-`, axes in alphabetical order.
 * Order of axes and values makes no difference: cells are made in the order of their ids.
 */
export function matrix<const A extends Axes, T>(axes: A, make: (cell: Cell<A>) => T): ReadonlyMap<string, T> {
  const cells: { [axis: string]: unknown }[] = [{ id: '' }];
  for (const axis of Object.keys(axes).sort(byCodeUnit)) {
    const before = cells.splice(0);
    for (const cell of before) {
      for (const value of axes[axis]!) {
        const name = typeof value === 'string' ? value : value.name;
        cells.push({ ...cell, [axis]: value, id: cell['id'] === '' ? name : `${cell['id'] as string}-${name}` });
      }
    }
  }
  cells.sort((a, b) => byCodeUnit(a['id'] as string, b['id'] as string));
  const made = new Map<string, T>();
  for (const cell of cells) {
    const id = cell['id'] as string;
    if (made.has(id)) throw new Error(`matrix: two combinations have the id '${id}'. Give the values of each axis names of their own.`);
    made.set(id, make(cell as Cell<A>));
  }
  return made;
}
