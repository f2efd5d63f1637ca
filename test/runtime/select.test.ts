import { describe, expect, it } from 'vitest';
import type { Target } from '../../lib/plan.js';
import { matcher, selectTargets } from '../../lib/runtime/select.js';

const target = (path: string, ...after: string[]): Target => {
  const [build, name] = path.split('/') as [string, string];
  return { path, build, name, after, source: { kind: `source/${name}`, path, props: {}, own: { disk: '', machine: '', capture: '' } }, provisioners: [], errorCleanup: [], postProcessors: [], settings: {} };
};
const targets = [target('base/qemu'), target('web/qemu', 'base/qemu'), target('web/docker'), target('lb/qemu', 'web/qemu')];
const chosen = (only?: string[], except?: string[]): string[] => selectTargets(targets, only, except).targets.map(t => t.path);

describe('choosing targets', () => {
  it('takes all without patterns', () => { expect(chosen()).toEqual(targets.map(t => t.path)); });
  it('knows target paths, builds and source names', () => {
    expect(chosen(['web/docker'])).toEqual(['web/docker']);
    expect(chosen(['docker'])).toEqual(['web/docker']);
    expect(chosen(['web'], ['qemu'])).toEqual(['web/docker']);
  });
  it('knows globs', () => {
    expect(chosen(['web/*'])).toEqual(['base/qemu', 'web/qemu', 'web/docker']);
    expect(chosen(['{base,web}/d*'])).toEqual(['web/docker']);
  });
  it('adds what the chosen ones stand on, and says for whom', () => {
    const { targets: all, needed } = selectTargets(targets, ['lb']);
    expect(all.map(t => t.path)).toEqual(['base/qemu', 'web/qemu', 'lb/qemu']);
    expect([...needed]).toEqual([['web/qemu', 'lb/qemu'], ['base/qemu', 'web/qemu']]);
    expect(chosen(['web'], ['base'])).toContain('base/qemu');
  });
  it('refuses a pattern that matches nothing, with a suggestion', () => {
    expect(() => chosen(['wbe'])).toThrow(`'wbe' matches no target of this plan. Did you mean 'web'?`);
    expect(() => chosen(undefined, ['nothing-like-it'])).toThrow(`'nothing-like-it' matches no target of this plan.`);
  });
  it('refuses to leave nothing', () => { expect(() => chosen(undefined, ['**'])).toThrow('Nothing is left to build'); });
});

describe('globs', () => {
  it.each([
    ['*', 'a', true], ['*', 'a/b', false], ['**', 'a/b', true], ['a?c', 'abc', true], ['[ab]c', 'bc', true], ['[!ab]c', 'bc', false], ['{a,b*}', 'bcd', true], ['a.c', 'abc', false], ['a(b', 'a(b', true], ['{a', 'a', true],
  ])('%s on %s: %s', (pattern, name, expected) => { expect(matcher(pattern)(name)).toBe(expected); });
});
