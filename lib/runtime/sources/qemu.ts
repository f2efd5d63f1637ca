/** The driver of QemuSource. This file is the only door to the folder beside it. */
import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { qemu } from '../../constructs/sources/qemu.js';
import { errors } from '../../errors.js';
import type { Artifact, Context, Leftover, Saved, SourceDriver } from '../driver.js';
import { fileRef } from '../file-ref.js';
import { removeMachine, recordOf } from './qemu/launch.js';
import { announce, type KeptMachine, type QemuMachine, startMachine } from './qemu/machine.js';
import { prepareResume, resumeMachine } from './qemu/resume.js';
import { preflight } from './qemu/preflight.js';
import { choosePlaces, outputFolder, prepare, type Props } from './qemu/prepare.js';
import { shell } from './qemu/shell.js';

const fail = errors('QEMU', {
  NO_DISK: { message: (of: string) => `The image that ${of} stands on has no disk.`, remedy: 'Build it again: its files are gone.' },
});

/** The file that a machine starts from. */
function imageOf(props: Props, ctx: Context): string {
  const image = props.diskImage ?? props.from?.files[0]?.path;
  if (image === undefined) throw fail.NO_DISK(ctx.target);
  return image;
}

async function start(image: string, beside: string, props: Props, ctx: Context): Promise<QemuMachine> {
  const places = await choosePlaces(beside, props.memory.$size, ctx);
  const { entry, machine } = await announce(places, ctx);
  return machine.current = await startMachine(await prepare(props, image, places, ctx), places, props, entry, ctx);
}

async function resume(props: Props, saved: Saved, ctx: Context): Promise<QemuMachine> {
  const places = await choosePlaces(outputFolder(props, ctx), props.memory.$size, ctx);
  const { entry, machine } = await announce(places, ctx);
  return machine.current = await resumeMachine(await prepareResume(props, imageOf(props, ctx), saved, places, ctx), saved, places, props, entry, ctx);
}

export default {
  preflight,
  start: (props: Props, ctx: Context) => start(imageOf(props, ctx), outputFolder(props, ctx), props, ctx),
  resume,
  boot: (artifact: Artifact, props: Props, ctx: Context) => start(artifact.files[0]!.path, join(ctx.run.folder, 'boot'), props, ctx),
  present: async (artifact: Artifact) => {
    for (const { path, size, digest } of artifact.files) {
      if ((await stat(path).catch(() => undefined))?.size !== size || (await fileRef(path)).digest !== digest) return false;
    }
    return artifact.files.length > 0;
  },
  destroy: async (artifact: Artifact) => {
    for (const { path } of artifact.files) {
      await rm(path, { force: true });
      await rmdir(dirname(path)).catch(() => {});
    }
  },
  reap: async (entry: Leftover) => { await removeMachine(recordOf(entry.data)); },
  shell: kept => shell((kept as unknown as KeptMachine).endpoint),
} satisfies SourceDriver<typeof qemu>;
