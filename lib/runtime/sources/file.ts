import { copyFile, rm, stat, writeFile } from 'node:fs/promises';
import type { fileSource } from '../../constructs/sources/file.js';
import { noCommunicator } from '../communicators/none.js';
import type { SourceDriver } from '../driver.js';
import { fileRef } from '../host/file-ref.js';
import { outputProblem, placeOutput } from '../host/place.js';

export default {
  async preflight(props, ctx) {
    const problem = props.target === undefined ? undefined : await outputProblem(props.target, ctx.force, 'target');
    return problem ? [problem] : [];
  },
  async start(props) {
    return {
      connect: async () => noCommunicator(),
      capture: async (_props, ctx) => {
        const output = await placeOutput(props.target, ctx);
        if (props.source !== undefined) await copyFile(props.source, output.path);
        else await writeFile(output.path, props.content ?? '');
        await output.commit();
        const file = await fileRef(props.target, ctx.signal);
        return { madeBy: 'source/file', id: props.target, files: [file], data: {}, outputs: { path: file.path, digest: file.digest } };
      },
    };
  },
  present: async artifact => (await Promise.all(artifact.files.map(async f => (await stat(f.path).catch(() => undefined))?.size === f.size && (await fileRef(f.path)).digest === f.digest))).every(Boolean),
  destroy: async artifact => { for (const { path } of artifact.files) await rm(path, { force: true }); },
} satisfies SourceDriver<typeof fileSource>;
