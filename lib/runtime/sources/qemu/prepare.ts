/** From a source's props to a machine that can be started: what it is made of, and where its files lie. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { qemu } from '../../../constructs/sources/qemu.js';
import type { Resolved } from '../../../kinds.js';
import type { Context } from '../../driver.js';
import { sshKeyPair } from '../../ssh-key.js';
import { type Accelerator, chooseAccelerator } from './accelerator.js';
import type { Layer, MachineSpec } from './command-line.js';
import { imageInfo, makeDisk, sizeFor } from './disk.js';
import { type MachineRecord, machineType, type QemuVersion, qemuVersion } from './launch.js';
import { credential, noCloudSeed, type SeedKeys } from './seed.js';

export type Props = Resolved<typeof qemu>;

/** Where a machine's files lie. Both folders are the machine's alone. */
export interface Places {
  readonly marker: string;
  /** Sockets, keys and seeds: a short path, private. */
  readonly folder: string;
  /** Disks and memory, on the file system of the output. */
  readonly work: string;
  /** The guest's memory, as a file. */
  readonly memory: string;
  readonly serialLog: string;
  readonly log: string;
}

export interface Prepared {
  readonly spec: MachineSpec;
  readonly accelerator: Accelerator;
  readonly version: QemuVersion;
  /** Set where the guest was given a key of ours. */
  readonly keys: SeedKeys | undefined;
  /** What cloud-init takes for the instance's id. */
  readonly instance: string;
  /** What the disk began as. */
  readonly base: Layer;
  /** Bytes, as the guest sees it. */
  readonly diskSize: number;
}

/** All that belongs to the machine alone. */
export const recordFor = (places: Places): MachineRecord => ({ marker: places.marker, folders: [places.folder, places.work, places.memory] });
export const binaryOf = (props: Props): string => props.qemuBinary ?? `qemu-system-${props.architecture}`;
export const outputFolder = (props: Props, ctx: Context): string => props.outputDirectory ?? join(ctx.programFolder, 'output', `${ctx.build.name}-${ctx.build.sourceName}`.replaceAll('/', '-'));
export const imageName = (props: Props, ctx: Context): string => props.vmName ?? `${basename(ctx.build.name)}.${props.format}`;

/** Chooses the places; makes nothing yet. `beside`: the folder whose file system the disks should be on; `memory` in bytes. */
export async function choosePlaces(beside: string, memory: number, ctx: Context): Promise<Places> {
  const id = randomBytes(5).toString('hex');
  // Unix sockets have paths of at most 107 bytes.
  const short = tmpdir().length < 60 ? tmpdir() : '/tmp';
  const work = join(await existing(dirname(resolve(beside))), `.${basename(beside)}.bake-${id}`);
  // In memory where there is room (a container's /dev/shm often has none): on a disk, the kernel would write the guest's memory out all the time.
  const shm = await statfs('/dev/shm').then(({ bavail, bsize }) => bavail * bsize > memory * 1.5, () => false);
  return {
    marker: `bake-${id}`, folder: join(short, `bake-${id}`), work, memory: shm ? `/dev/shm/bake-${id}` : join(work, 'memory'),
    serialLog: join(ctx.run.folder, 'serial.log'), log: join(ctx.run.folder, 'qemu.log'),
  };
}

/** A folder that is there: itself, or the nearest above it. */
export async function existing(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(at).then(s => s.isDirectory(), () => false) || at === dirname(at)) return at;
  }
}

/** What a machine goes on from, where it is not a first boot. */
export interface Before { readonly instance: string; readonly keys: SeedKeys | undefined; readonly layers: readonly Layer[]; readonly diskSize: number }

/** Makes the folders, the disk and the seed. `image`: what to start from. */
export async function prepare(props: Props, image: string, places: Places, ctx: Context, before?: Before): Promise<Prepared> {
  const [machine, info] = await Promise.all([prepareMachine(props, places, ctx, before), imageInfo(image, ctx.signal)]);
  const base = { path: image, format: info.format }, size = before?.diskSize ?? sizeFor(image, info, props.diskSize);
  const top = join(places.work, 'disk-0.qcow2');
  await makeDisk(top, size);
  return {
    ...machine, base, diskSize: size,
    spec: { ...machine.spec, disks: [{ top, under: [base, ...before?.layers ?? []], interface: props.diskInterface, cache: props.diskCache, discard: props.diskDiscard, detectZeroes: props.diskDetectZeroes }] },
  };
}

async function prepareMachine(props: Props, places: Places, ctx: Context, before: Before | undefined): Promise<Omit<Prepared, 'base' | 'diskSize'>> {
  const binary = binaryOf(props), isArm = props.architecture === 'aarch64';
  const [accelerator, version, machine] = await Promise.all([
    chooseAccelerator(binary, props.architecture, props.accelerator), qemuVersion(binary), machineType(binary, props.machineType ?? (isArm ? 'virt' : 'pc')),
  ]);
  await Promise.all([mkdir(places.folder, { recursive: true, mode: 0o700 }), mkdir(places.work, { recursive: true, mode: 0o700 }), mkdir(ctx.run.folder, { recursive: true })]);
  // QEMU adds to the log, so that it survives a restart of the machine; a second try of the build begins a new one.
  await rm(places.serialLog, { force: true });

  const { cloudInit } = props, keys = before === undefined ? needsKey(props) ? makeKeys(props, ctx) : undefined : before.keys;
  const instance = before?.instance ?? places.marker;
  const cds: MachineSpec['cds'][number][] = [], firmwareConfig: { [name: string]: string } = {};
  if (cloudInit?.enabled !== false && (keys !== undefined || cloudInit?.userData !== undefined || cloudInit?.networkConfig !== undefined || cloudInit?.metaData !== undefined)) {
    const seed = join(places.folder, 'seed.iso');
    await writeFile(seed, noCloudSeed(instance, keys, cloudInit), { mode: 0o600 });
    cds.push({ path: seed, interface: isArm ? 'virtio-scsi' : 'ide', bootable: false });
  }
  if (keys !== undefined && cloudInit?.enabled !== false) {
    const file = join(places.folder, 'tmpfiles.extra');
    await writeFile(file, credential(keys), { mode: 0o600 });
    firmwareConfig['opt/io.systemd.credentials/tmpfiles.extra'] = file;
  }
  if (keys !== undefined) await writeFile(join(places.folder, 'key'), keys.login.privateKey, { mode: 0o600 });

  const spec: Omit<MachineSpec, 'disks'> = {
    binary, architecture: props.architecture, machine, machineOptions: [], accelerator: accelerator.name,
    cpu: props.cpuModel ?? (accelerator.slow ? 'max' : 'host'), smp: String(props.cpus), memory: props.memory.$size,
    memoryFrom: { path: places.memory, share: true },
    cds, net: { device: cardName(props.netDevice), forwards: [{ guest: props.ssh?.port ?? 22, host: 0 }] },
    vga: isArm ? 'virtio-gpu-pci' : 'VGA', display: 'none', usb: isArm, firmware: [], firmwareConfig,
    folder: places.folder, serialLog: places.serialLog, marker: places.marker, incoming: false, noReboot: false,
    extra: props.qemuArgs ?? [], extraReplace: props.qemuArgsReplace,
  };
  return { accelerator, version, keys, instance, spec: spec as MachineSpec };
}

/** Packer's names for network cards leave the bus out. */
const cardName = (name: string): string => name === 'virtio-net' ? 'virtio-net-pci' : name;

/** Nothing said about how to log in: then it is our key. */
export function needsKey(props: Props): boolean {
  const { ssh } = props;
  return ssh?.password === undefined && ssh?.privateKeyFile === undefined && ssh?.agentAuth !== true && props.cloudInit?.enabled !== false;
}

function makeKeys(props: Props, ctx: Context): SeedKeys {
  const comment = `imagebake-${ctx.run.id}`;
  return { user: props.ssh?.username ?? 'root', login: sshKeyPair(comment), host: sshKeyPair(comment) };
}
