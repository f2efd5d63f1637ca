/** The driver of QemuSource. This file is the only door to the folder beside it. */
import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { qemu } from '../../constructs/sources/qemu.js';
import type { Artifact, Context, JournalEntry, Leftover, Saved, SourceDriver } from '../driver.js';
import { fileRef } from '../host/file-ref.js';
import { sockets } from './qemu/command-line.js';
import { screenshot } from './qemu/eyes.js';
import { serveAnswers, type Values } from './qemu/install.js';
import { recordOf, removeMachine } from './qemu/launch.js';
import { announce, type KeptMachine, type QemuMachine, startMachine } from './qemu/machine.js';
import { fetchOrigin, identify } from './qemu/origin.js';
import { choosePlaces, type Places } from './qemu/places.js';
import { preflight } from './qemu/preflight.js';
import { imageName, installsSystem, outputFolder, type Origin, prepare, type Prepared, type Props } from './qemu/prepare.js';
import { Qmp } from './qemu/qmp.js';
import { originOf, resumeMachine } from './qemu/resume.js';
import { shell } from '../communicators/ssh/shell.js';

interface Started { readonly prepared: Prepared; readonly places: Places; readonly values: Values; readonly entry: JournalEntry }
/** Prepares a machine and brings it up by `bring`. All of it goes with `ctx.scope`. */
async function withMachine(origin: Origin, beside: string, props: Props, ctx: Context, bring: (started: Started) => Promise<QemuMachine>): Promise<QemuMachine> {
  const places = await choosePlaces(beside, props.memory.$size, ctx), values: Values = { Name: imageName(props, ctx) };
  const { entry, machine } = await announce(places, ctx);
  await serveAnswers(props, values, ctx);
  const prepared = await prepare(props, origin, places, text => ctx.fill(text, values), ctx);
  if (prepared.keys !== undefined) values['SSHPublicKey'] = encodeURIComponent(prepared.keys.login.publicKey);
  return machine.current = await bring({ prepared, places, values, entry });
}

const start = (origin: Origin, beside: string, props: Props, ctx: Context): Promise<QemuMachine> =>
  withMachine(origin, beside, props, ctx, ({ prepared, places, values, entry }) => startMachine(prepared, places, props, values, entry, ctx));

export default {
  preflight,
  identify,
  installs: installsSystem,
  start: async (props: Props, ctx: Context) => start(await fetchOrigin(props, ctx), outputFolder(props, ctx), props, ctx),
  resume: async (props: Props, saved: Saved, ctx: Context) => withMachine(await originOf(saved, await fetchOrigin(props, ctx)), outputFolder(props, ctx), props, ctx,
    ({ prepared, places, values, entry }) => resumeMachine(prepared, saved, places, props, values, entry, ctx)),
  boot: (artifact: Artifact, props: Props, ctx: Context) => {
    const { boot: _typed, kernelBoot: _kernel, cd: _disc, floppy: _floppy, diskSize: _size, diskAdditionalSize: _more, ...rest } = props, vars = artifact.files.find(f => f.path.endsWith('/efivars.fd'))?.path;
    return start({ image: artifact.files[0]!.path }, join(ctx.run.folder, 'boot'), { ...rest, ...(vars === undefined ? {} : { efi: { ...rest.efi!, firmwareVars: vars } }) }, ctx);
  },
  // What an older version of this driver saved is of another shape.
  intact: async (saved: Saved) => Array.isArray((saved.data as { readonly disks?: unknown } | null)?.disks),
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
  picture: async (kept, file) => {
    const { record: { folders: [folder] } } = kept as unknown as KeptMachine, qmp = await Qmp.connect(join(folder!, sockets.qmp), { budget: 5000 });
    try { await screenshot(qmp, file); } finally { qmp.close(); }
  },
  shell: kept => shell((kept as unknown as KeptMachine).endpoint),
} satisfies SourceDriver<typeof qemu>;
