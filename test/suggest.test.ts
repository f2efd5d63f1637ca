import fc from 'fast-check';
import { expect, test } from 'vitest';
import { suggest } from '../lib/suggest.js';

const props = ['isoUrl', 'isoChecksum', 'diskSize', 'diskImage', 'memory', 'ssh'];

test.each([['isoURL', 'isoUrl'], ['iso_url', 'isoUrl'], ['isoUrll', 'isoUrl'], ['disksize', 'diskSize'], ['dikSize', 'diskSize'], ['memroy', 'memory'], ['shh', 'ssh']])('%s is meant as %s', (typed, meant) => {
  expect(suggest(typed, props)).toBe(meant);
});

test.each(['accelerator', 'x', 'zzzzzz', ''])('%j is like nothing that there is', typed => {
  expect(suggest(typed, props)).toBeUndefined();
});

test('a name that there is suggests itself', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, selector: s => s.toLowerCase().replace(/[-_ ]/g, '') }), names => {
    for (const name of names) expect(suggest(name, names)).toBe(name);
  }));
});

test('one swapped pair of letters in a long word is forgiven', () => {
  fc.assert(fc.property(fc.string({ minLength: 6, maxLength: 12, unit: fc.constantFrom(...'abcdefghij') }), fc.nat(4), (word, i) => {
    const swapped = word.slice(0, i) + word[i + 1]! + word[i]! + word.slice(i + 2);
    expect(suggest(swapped, [word, 'something-else-entirely'])).toBe(word);
  }));
});
