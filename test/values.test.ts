import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Duration, exprOf, isDuration, isRef, isSecret, isSize, Secret, Size, text, timestamp, walkExpr, when } from '../lib/values.js';

describe('Size', () => {
  test('counts in binary units, as hypervisors do', () => {
    expect([Size.bytes(1), Size.kib(1), Size.mib(1), Size.gib(1), Size.tib(1)].map(s => s.$size)).toEqual([1, 1024, 1024 ** 2, 1024 ** 3, 1024 ** 4]);
  });

  test.each([['40G', 40 * 1024 ** 3], ['512M', 512 * 1024 ** 2], ['40GiB', 40 * 1024 ** 3], ['40 gb', 40 * 1024 ** 3], ['1024', 1024], ['1.5k', 1536]])('reads %s', (notation, bytes) => {
    expect(Size.parse(notation)).toEqual({ $size: bytes });
  });

  test.each(['', 'G', '40X', '-1G', '4 0G', '1e3', '0x10'])('refuses %j, and says how to write a size', notation => {
    expect(() => Size.parse(notation)).toThrow(`Size.parse: '${notation}' is no size. Write a number and a unit, such as 40G or 512MiB.`);
  });

  test('reads whatever number of whole units it is given', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4000 }), fc.constantFrom('kib', 'mib', 'gib', 'tib' as const), (n, unit) => {
      expect(Size.parse(`${n}${unit}`)).toEqual(Size[unit](n));
    }));
  });
});

describe('Duration', () => {
  test.each([['1h30m', 5_400_000], ['500ms', 500], ['10s', 10_000], ['1.5h', 5_400_000], ['0', 0], ['1m0.5s', 60_500], ['2000us', 2], ['.5s', 500]])('reads %s as Go does', (notation, milliseconds) => {
    expect(Duration.parse(notation)).toEqual({ $duration: milliseconds });
  });

  test.each(['', '10', '-5s', '5 s', '1d', 's', '1h30'])('refuses %j, and says how to write a duration', notation => {
    expect(() => Duration.parse(notation)).toThrow(`'${notation}' is no duration`);
  });

  test.each([NaN, Infinity, -1])('is never %d', n => {
    expect(() => Duration.seconds(n)).toThrow('is not a finite number of zero or more');
    expect(() => Size.gib(n)).toThrow('is not a finite number of zero or more');
  });
});

describe('what a value is', () => {
  test('is told by its tag, and by one only', () => {
    const values = { size: Size.gib(1), duration: Duration.hours(1), secret: Secret.env('X'), ref: timestamp(), secretText: text`a${Secret.env('X')}` };
    const told = Object.fromEntries(Object.entries(values).map(([name, v]) => [name, [isSize(v), isDuration(v), isSecret(v), isRef(v)]]));
    expect(told).toEqual({
      size: [true, false, false, false], duration: [false, true, false, false], secret: [false, false, true, false], ref: [false, false, false, true], secretText: [false, false, true, false],
    });
  });

  test('survives JSON: a value read back is the same value', () => {
    for (const value of [Size.gib(3), Duration.hours(1), Secret.env('X', { cacheKey: '2' }), when(timestamp() as never, 'a', text`b${1}`)]) expect(JSON.parse(JSON.stringify(value))).toEqual(value);
  });
});

describe('text', () => {
  test('holds what it was given, in order', () => {
    expect(text`a${'b'}c${1}${true}`.$expr).toEqual({ op: 'template', parts: [{ op: 'value', value: 'a' }, { op: 'value', value: 'b' }, { op: 'value', value: 'c' }, { op: 'value', value: 1 }, { op: 'value', value: true }] });
  });

  test('with a secret inside is a secret, also when the secret is inside another text', () => {
    const inner = text`x${Secret.env('A', { cacheKey: '7' })}`, outer = text`y${inner}`;
    expect([isSecret(inner), isSecret(outer)]).toEqual([true, true]);
    expect([...walkExpr(exprOf(outer))].filter(e => e.op === 'secret')).toEqual([{ op: 'secret', secret: 'env:A', cacheKey: '7' }]);
  });
});

test('walking an expression finds secrets and refs in lists and objects that a program wrote', () => {
  const found = [...walkExpr(exprOf({ a: [{ b: timestamp() }], c: Secret.env('X'), d: text`${Secret.file('f')}` }))].map(e => e.op);
  expect(found).toEqual(['value', 'time', 'secret', 'template', 'secret']);
});
