import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { field, type Fields } from '../../lib/fields.js';
import { fileDigest, folderDigest } from '../../lib/file-digest.js';
import type { JsonObject } from '../../lib/json.js';
import type { PlannedFile } from '../../lib/plan.js';
import { resolveProps, type ResolveEnvironment } from '../../lib/runtime/resolve.js';
import type { Expr } from '../../lib/values.js';
import { temporaryFolder } from '../support/program.js';

async function resolver(more: Partial<ResolveEnvironment> = {}) {
  const folder = await temporaryFolder();
  const environment: ResolveEnvironment = {
    lookups: { secret: name => (name === 'env:PW' ? 'hunter2' : undefined), host: name => (name === 'guestHost' ? '10.0.0.1' : undefined), output: (target, output) => (target === 'base/qemu' ? `${output} of base` : undefined) },
    files: {}, filesFolder: folder, programFolder: folder, image: () => undefined, linkFolder: () => join(folder, 'links'), missing: 'throw', ...more,
  };
  return { folder, resolve: (fields: Fields, props: JsonObject, other: Partial<ResolveEnvironment> = {}) => resolveProps(fields, props, { ...environment, ...other }) };
}
const expr = (value: Expr): JsonObject => ({ $expr: value as never });
const later = expr({ op: 'output', target: 'web/qemu', output: 'path' });

describe('props as a driver gets them', () => {
  it('have units as they are, and paths absolute', async () => {
    const { folder, resolve } = await resolver();
    expect(resolve({ size: field.size(), wait: field.duration(), out: field.outputPath(), abroad: field.outputPath(), folder: field.outputPath() }, { size: { $size: 5 }, wait: { $duration: 7 }, out: 'a/b', abroad: '/x/../y', folder: 'd/' }))
      .toEqual({ size: { $size: 5 }, wait: { $duration: 7 }, out: join(folder, 'a/b'), abroad: '/y', folder: join(folder, 'd/') });
  });

  it('have expressions evaluated, as what the field takes', async () => {
    const { resolve } = await resolver();
    const text = expr({ op: 'template', parts: [{ op: 'value', value: 'at ' }, { op: 'host', name: 'guestHost' }] });
    expect(resolve({ a: field.string(), n: field.integer(), b: field.boolean(), s: field.size(), list: field.list(field.string()), map: field.map(field.string()) }, {
      a: text, n: expr({ op: 'value', value: '42' }), b: expr({ op: 'value', value: 'true' }), s: expr({ op: 'value', value: '2M' }), list: ['x', text], map: { k: expr({ op: 'value', value: 5 }) },
    })).toEqual({ a: 'at 10.0.0.1', n: 42, b: true, s: { $size: 2 * 1024 ** 2 }, list: ['x', 'at 10.0.0.1'], map: { k: '5' } });
  });

  it('have secrets revealed, alone and inside texts, groups and free-form JSON', async () => {
    const { resolve } = await resolver();
    const fields = { pw: field.secret(), url: field.sensitiveString(), ssh: field.group({ password: field.secret() }), any: field.json() };
    expect(resolve(fields, {
      pw: { $secret: 'env:PW' }, url: expr({ op: 'template', parts: [{ op: 'value', value: 'u:' }, { op: 'secret', secret: 'env:PW' }] }), ssh: { password: { $secret: 'env:PW', $cacheKey: '1' } }, any: { deep: [{ $secret: 'env:PW' }] },
    })).toEqual({ pw: 'hunter2', url: 'u:hunter2', ssh: { password: 'hunter2' }, any: { deep: ['hunter2'] } });
  });

  it('have outputs and artifacts of other targets', async () => {
    const image = { target: 'base/qemu', id: 'x', files: [], outputs: {} }, { resolve } = await resolver({ image: t => (t === 'base/qemu' ? image : undefined) });
    expect(resolve({ p: field.string(), from: field.image('qemu') }, { p: expr({ op: 'output', target: 'base/qemu', output: 'path' }), from: { $image: 'base/qemu' } })).toEqual({ p: 'path of base', from: image });
  });

  it('that are not known are an error that names them, or left out where that is allowed', async () => {
    const { resolve } = await resolver();
    const fields = { a: field.string(), list: field.list(field.string()), from: field.image('qemu'), made: field.path(), ok: field.string() };
    const props = { a: later, list: ['x', later], from: { $image: 'web/qemu' }, made: { $generated: 'nothing' }, ok: 'ok' };
    expect(resolve(fields, props, { missing: 'later' })).toEqual({ ok: 'ok' });
    expect(() => resolve(fields, { a: later })).toThrow(`The value of 'a' is not known: output 'path' of 'web/qemu' has no value yet.`);
    expect(() => resolve(fields, { from: { $image: 'web/qemu' } })).toThrow('web/qemu, which this target stands on, has no artifact.');
    expect(() => resolve(fields, { made: { $generated: 'nothing' } })).toThrow('should have been made by an earlier step');
  });
});

describe('files of a plan', () => {
  const planned = (path: string, kind: 'file' | 'folder' = 'file'): PlannedFile => ({ path, kind, size: 0, mode: 0o644 });

  it('are where they lie, with the name that the program gave them', async () => {
    const { folder, resolve } = await resolver();
    await writeFile(join(folder, 'a.sh'), 'same');
    await mkdir(join(folder, 'site'));
    await writeFile(join(folder, 'site/index'), 'x');
    const digest = fileDigest(join(folder, 'a.sh')), site = folderDigest(join(folder, 'site'));
    const files = { [digest]: planned('a.sh'), [site]: planned('site', 'folder') };
    const fields = { script: field.path() };
    expect(resolve(fields, { script: { $file: digest, name: 'a.sh' } }, { files })['script']).toBe(join(folder, 'a.sh'));
    const other = resolve(fields, { script: { $file: digest, name: 'b.sh' } }, { files })['script'] as string;
    expect(basename(other)).toBe('b.sh');
    expect(await readFile(other, 'utf8')).toBe('same');
    expect(resolve(fields, { script: { $file: site, name: 'site/' } }, { files })['script']).toBe(`${join(folder, 'site')}/`);
  });

  it('that changed, went, or were never there are errors', async () => {
    const { folder, resolve } = await resolver();
    await writeFile(join(folder, 'a.sh'), 'before');
    const digest = fileDigest(join(folder, 'a.sh')), fields = { script: field.path() }, files = { [digest]: planned('a.sh'), 'sha256:1': planned('gone') };
    await writeFile(join(folder, 'a.sh'), 'after that');
    expect(() => resolve(fields, { script: { $file: digest } }, { files })).toThrow('is not what it was when the plan was made');
    expect(() => resolve(fields, { script: { $file: 'sha256:1' } }, { files })).toThrow('is not there');
    expect(() => resolve(fields, { script: { $file: 'sha256:2' } }, { files })).toThrow('does not say where it lies');
  });
});
