import { expect, test } from 'vitest';
import { parseBootCommand } from '../../../lib/runtime/guest/boot-command.js';
import { type Layout, strokesFor } from '../../../lib/runtime/guest/keyboard.js';

const key = (name: string, hold = 'press') => ({ do: 'key', key: name, hold });
const character = (c: string, hold = 'press') => ({ do: 'character', character: c, hold });
const wait = (milliseconds: number) => ({ do: 'wait', milliseconds });

test('keys, held keys, waits and text are told apart, whatever the capitals', () => {
  expect(parseBootCommand('<ESC>a<Enter><return><f12><leftShiftOn>x<LEFTSHIFTOFF><aOn><aOff><wait><wait5><wait1m2.5s><wait500ms>')).toEqual([
    key('esc'), character('a'), key('enter'), key('enter'), key('f12'), key('leftshift', 'on'), character('x'), key('leftshift', 'off'), character('a', 'on'), character('a', 'off'),
    wait(1000), wait(5000), wait(62_500), wait(500),
  ]);
});

test('text between brackets that is no key is typed as it stands', () => {
  expect(parseBootCommand('a < b > c <> <5> <xml/>').map(a => (a.do === 'character' ? a.character : a)).join('')).toBe('a < b > c <> <5> <xml/>');
  expect(parseBootCommand('<lt>enter>').map(a => (a.do === 'character' ? a.character : a)).join('')).toBe('<enter>');
});

test('a key that is nearly one is a mistake, with what was meant', () => {
  expect(() => parseBootCommand('<entr>')).toThrow("The boot command has '<entr>', which is no key. Did you mean <enter>?");
  expect(() => parseBootCommand('<leftShft>')).toThrow('Did you mean <leftshift>?');
});

test('every printable character of ASCII is on every keyboard', () => {
  for (const layout of ['us', 'uk', 'de', 'fr'] as Layout[]) {
    for (let code = 32; code < 127; code++) expect(strokesFor(String.fromCharCode(code), layout), `${layout} ${String.fromCharCode(code)}`).toBeDefined();
  }
});

test('characters lie where the keyboards have them', () => {
  expect(strokesFor('@', 'us')).toEqual([['shift', '2']]);
  expect(strokesFor('@', 'uk')).toEqual([['shift', 'apostrophe']]);
  expect(strokesFor('@', 'de')).toEqual([['alt_r', 'q']]);
  expect(strokesFor('@', 'fr')).toEqual([['alt_r', '0']]);
  expect(strokesFor('z', 'de')).toEqual([['y']]);
  expect(strokesFor('ü', 'de')).toEqual([['bracket_left']]);
  expect(strokesFor('|', 'uk')).toEqual([['shift', 'less']]);
  expect(strokesFor('1', 'fr')).toEqual([['shift', '1']]);
  expect(strokesFor('^', 'de'), 'a dead key, so with a space').toEqual([['grave_accent'], ['spc']]);
  expect(strokesFor('^', 'fr'), 'not the dead key').toEqual([['alt_r', '9']]);
  expect(strokesFor('☃', 'us')).toBeUndefined();
});
