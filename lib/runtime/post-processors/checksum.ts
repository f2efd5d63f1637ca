import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { checksum } from '../../constructs/post-processors/checksum.js';
import { makeFolder } from '../../make-folder.js';
import type { FileRef, PostProcessorDriver } from '../driver.js';
import { fileRef, hashFile } from '../host/file-ref.js';
import { withLock } from '../host/lock.js';
import { packerBuildName } from '../packer-names.js';

export default {
  effects: 'local',
  run: async (props, input, ctx) => {
    const lines = new Map<string, Map<string, string>>();
    for (const file of input.files) {
      const sums = await hashFile(file.path, props.checksumTypes.map(type => createHash(type)), ctx.signal);
      for (const [i, type] of props.checksumTypes.entries()) {
        const output = ctx.fill(props.output, { BuildName: packerBuildName(ctx.build), BuilderType: ctx.build.sourceType, ChecksumType: type });
        const ours = lines.get(output) ?? new Map<string, string>();
        lines.set(output, ours.set(`${basename(file.path)}${props.checksumTypes.length > 1 ? `\0${type}` : ''}`, `${sums[i]}\t${basename(file.path)}\n`));
      }
    }
    const made: FileRef[] = [];
    for (const [output, ours] of lines) {
      await merge(output, [...ours.values()], ctx.signal);
      made.push(await fileRef(output, ctx.signal));
    }
    const already = new Set(input.files.map(f => f.path));
    return { artifact: { ...input, madeBy: 'post-processor/checksum', files: [...input.files, ...made.filter(f => !already.has(f.path))] }, keepInput: 'must' };
  },
} satisfies PostProcessorDriver<typeof checksum>;

/** Adds lines to a file that others may write at the same time. A line of the same checksum length and name is replaced: Packer would write it twice. */
async function merge(output: string, ours: readonly string[], signal: AbortSignal): Promise<void> {
  const keyOf = (line: string): string => { const [sum = '', name = ''] = line.split('\t'); return `${sum.length} ${name.trimEnd()}`; };
  await makeFolder(dirname(output));
  await withLock(`${output}.lock`, async () => {
    const replaced = new Set(ours.map(keyOf));
    const before = (await readFile(output, 'utf8').catch(() => '')).split('\n').filter(line => line !== '' && !replaced.has(keyOf(line))).map(line => `${line}\n`);
    try {
      await writeFile(`${output}.new`, [...before, ...ours].join(''));
      await rename(`${output}.new`, output);
    } finally {
      await rm(`${output}.new`, { force: true });
    }
  }, { signal });
}
