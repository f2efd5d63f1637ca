import { expect, test } from 'vitest';
import { atLeastOne, atMostOne, exactlyOne, must, needs, type Rule } from '../lib/rules.js';

const check = (rule: Rule<string>, values: { readonly [field: string]: unknown }): string | undefined => rule.check(field => values[field] !== undefined, field => values[field]);

test.each<[string, Rule<string>, { readonly [field: string]: unknown }, string | undefined]>([
  ['exactlyOne, none', exactlyOne('a', 'b'), {}, 'needs exactly one of a, b, and has none'],
  ['exactlyOne, one', exactlyOne('a', 'b'), { b: 0 }, undefined],
  ['exactlyOne, two', exactlyOne('a', 'b', 'c'), { a: 1, c: 1 }, 'needs exactly one of a, b, c, and has a and c'],
  ['atMostOne, none', atMostOne('a', 'b'), {}, undefined],
  ['atMostOne, two', atMostOne('a', 'b'), { a: 1, b: 1 }, 'takes at most one of a, b, and has a and b'],
  ['atLeastOne, none', atLeastOne('a', 'b'), {}, 'needs at least one of a, b'],
  ['atLeastOne, two', atLeastOne('a', 'b'), { a: 1, b: 1 }, undefined],
  ['needs, without', needs('a', 'b', 'c'), { b: 1 }, undefined],
  ['needs, one lacking', needs('a', 'b', 'c'), { a: 1, b: 1 }, 'has a, which needs c too'],
  ['must', must(['a'], 'a is even', (_, value) => ((value('a') as number) % 2 === 0 ? undefined : 'is odd')), { a: 3 }, 'is odd'],
])('%s', (_, rule, values, wrong) => { expect(check(rule, values)).toBe(wrong); });

test('each rule says what holds, for the docs', () => {
  expect([exactlyOne('a', 'b'), atMostOne('a', 'b'), atLeastOne('a', 'b'), needs('a', 'b')].map(r => r.says)).toEqual(['exactly one of a, b', 'at most one of a, b', 'at least one of a, b', 'a needs b']);
});
