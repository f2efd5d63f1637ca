/** The driver of QemuSource. This file is the only door to the folder beside it. */
import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { qemu } from '../../constructs/sources/qemu.js';
import { errors } from '../../errors.js';
import { download } from '../download.js';
import type { Artifact, Context, JournalEntry, Leftover, Saved, SourceDriver } from '../driver.js';
import { fileRef } from '../file-ref.js';
import { serveAnswers, type Values } from './qemu/install.js';
import { recordOf, removeMachine } from './qemu/launch.js';
import { announce, type KeptMachine, type QemuMachine, startMachine } from './qemu/machine.js';
import { choosePlaces, type Places } from './qemu/places.js';
import { preflight } from './qemu/preflight.js';
import { imageName, outputFolder, type Origin, prepare, type Prepared, type Props } from './qemu/prepare.js';
import { originOf, resumeMachine } from './qemu/resume.js';
import { shell } from './qemu/shell.js';

const fail = errors('QEMU', {
  NO_DISK: { message: (of: string) => `The image that ${of} stands on has no disk.`, remedy: 'Build it again: its files are gone.' },
});

/** What a machine starts from, here now. */
async function fetchOrigin(props: Props, ctx: Context): Promise<Origin> {
  const get = (urls: readonly string[], checksum: string | undefined, extension?: string): Promise<string> => download({
    urls, checksum, extension, folder: ctx.programFolder, signal: ctx.signal, target: props.isoTargetPath, skipCache: props.isoSkipCache, note: message => ctx.note(message),
    progress: (done, total) => ctx.progress(`downloading ${urls[0]!.split('/').at(-1)}`, done, total, 'bytes'),
  });
  const discs = props.isoUrls ?? (props.isoUrl === undefined ? undefined : [props.isoUrl]);
  if (discs !== undefined) return { iso: await get(discs, props.isoChecksum, props.isoTargetExtension) };
  if (props.diskImageUrl !== undefined) return { image: await get([props.diskImageUrl], props.diskImageChecksum) };
  const image = props.diskImage ?? props.from?.files[0]?.path;
  if (image === undefined) throw fail.NO_DISK(ctx.target);
  return { image };
}

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
  shell: kept => shell((kept as unknown as KeptMachine).endpoint),
} satisfies SourceDriver<typeof qemu>;
