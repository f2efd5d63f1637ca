import fc from 'fast-check';
import { expect, test } from 'vitest';
import { order } from '../../lib/synth/order.js';

/** A graph without circles: each node may stand on those with a smaller number only. */
const acyclic = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 25 }).map(rows => new Map(rows.map((edges, i) => [`n${i}`, i === 0 ? [] : edges.map(e => `n${e % i}`)] as const)));

test('each comes after those it stands on, and all are there once', () => {
  fc.assert(fc.property(acyclic, edges => {
    const { order: sorted, cycles } = order(edges);
    expect(cycles).toEqual([]);
    expect([...sorted].sort()).toEqual([...edges.keys()].sort());
    for (const [path, bases] of edges) for (const base of bases) expect(sorted.indexOf(base)).toBeLessThan(sorted.indexOf(path));
  }));
});

test('is the same whatever the order it is given in', () => {
  fc.assert(fc.property(acyclic, fc.infiniteStream(fc.nat()), (edges, numbers) => {
    const shuffled = [...edges].map(([path, bases]) => [path, [...bases].reverse(), numbers.next().value as number] as const).sort(([, , a], [, , b]) => a - b);
    expect(order(new Map(shuffled.map(([path, bases]) => [path, bases])))).toEqual(order(edges));
  }));
});

test('a circle is named by its members in order, and the rest is sorted still', () => {
  expect(order(new Map([['a', ['b']], ['b', ['c']], ['c', ['a']], ['d', ['a']], ['e', []]]))).toEqual({ order: ['c', 'b', 'a', 'd', 'e'], cycles: [['a', 'b', 'c']] });
});

test('what stands on itself is a circle of one, and what is not there is no one’s concern', () => {
  expect(order(new Map([['a', ['a', 'nowhere']]]))).toEqual({ order: ['a'], cycles: [['a']] });
});

test('a chain of ten thousand does not end the process', () => {
  const edges = new Map(Array.from({ length: 10_000 }, (_, i) => [`n${String(i).padStart(5, '0')}`, i === 9999 ? [] : [`n${String(i + 1).padStart(5, '0')}`]] as const));
  expect(order(edges).order[0]).toBe('n09999');
});
