/** From a source's props to a machine that can be started: what it is made of, and the files that it needs. */
import { randomBytes } from 'node:crypto';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder } from '../../../make-folder.js';
import type { qemu } from '../../../constructs/sources/qemu.js';
import type { Resolved } from '../../../kinds.js';
import { Size } from '../../../values.js';
import { generateSshKey } from '../../communicators/ssh/keys.js';
import type { Context } from '../../driver.js';
import { extractFromIso } from '../../formats/iso9660-read.js';
import { type Accelerator, chooseAccelerator } from './accelerator.js';
import { type CdSpec, comma, type DiskSpec, type Layer, type MachineSpec } from './command-line.js';
import { imageInfo, makeDisk, sizeFor } from './disk.js';
import { chooseDisplay } from './display.js';
import { findFirmware, flashArguments } from './firmware.js';
import { machineType, type QemuVersion, qemuVersion } from './launch.js';
import { type Fill, makeDiscs, makeFloppy } from './media.js';
import type { Places } from './places.js';
import { doorOf } from './reach.js';
import { credential, type SeedKeys } from './seed.js';
import { prepareTpm } from './tpm.js';

export type Props = Resolved<typeof qemu>;

export interface Prepared {
  readonly spec: MachineSpec;
  readonly accelerator: Accelerator;
  readonly version: QemuVersion;
  /** Set where the guest was given a key of ours. */
  readonly keys: SeedKeys | undefined;
  /** What cloud-init takes for the instance's id. */
  readonly instance: string;
  /** What the first disk began as; nothing: it is installed to. */
  readonly base: Layer | undefined;
  /** Bytes of each disk, as the guest sees it. */
  readonly diskSizes: readonly number[];
  /** The machine's own copy of the firmware's variables. */
  readonly vars: string | undefined;
  readonly vncPassword: string | undefined;
}

/** What a machine starts from: a disk, or an installation disc; and what it goes on from, where it is no first boot. */
export interface Origin {
  readonly image?: string | undefined;
  readonly iso?: string | undefined;
  readonly before?: { readonly instance: string; readonly keys: SeedKeys | undefined; readonly disks: readonly { readonly layers: readonly Layer[]; readonly size: number }[]; readonly vars?: string | undefined; readonly tpm?: string | undefined } | undefined;
}

export const binaryOf = (props: Props): string => props.qemuBinary ?? `qemu-system-${props.architecture}`;
export const outputFolder = (props: Props, ctx: Context): string => props.outputDirectory ?? join(ctx.programFolder, 'output', `${ctx.build.name}-${ctx.build.sourceName}`.replaceAll('/', '-'));
export const imageName = (props: Props, ctx: Context): string => props.vmName ?? `${basename(ctx.build.name)}.${props.format}`;
export const usesEfi = (props: Props): boolean => props.efi?.boot === true || props.efi?.secureBoot === true || props.efi?.firmwareCode !== undefined || props.efi?.firmwareVars !== undefined || (props.architecture === 'aarch64' && props.firmware === undefined);
/** UEFI machines are q35 where nothing else is asked for: secure boot knows no other. */
export const machineName = (props: Props): string => props.machineType ?? (props.architecture === 'aarch64' ? 'virt' : usesEfi(props) ? 'q35' : 'pc');

/** The disc or the image that is got by its address, where it is. */
export function discOf(props: Props): { readonly urls: readonly string[]; readonly checksum: string | undefined; readonly extension?: string | undefined; readonly installs: boolean } | undefined {
  const discs = props.isoUrls ?? (props.isoUrl === undefined ? undefined : [props.isoUrl]);
  if (discs !== undefined) return { urls: discs, checksum: props.isoChecksum, extension: props.isoTargetExtension, installs: true };
  return props.diskImageUrl === undefined ? undefined : { urls: [props.diskImageUrl], checksum: props.diskImageChecksum, installs: false };
}
/** Whether an operating system is installed. */
export const installsSystem = (props: Props): boolean => discOf(props)?.installs === true;

/** Makes the folders, the disks, the media and all else that QEMU is told of. */
export async function prepare(props: Props, origin: Origin, places: Places, fill: Fill, ctx: Context): Promise<Prepared> {
  const binary = binaryOf(props), isArm = props.architecture === 'aarch64', { before } = origin;
  const [accelerator, version, machine] = await Promise.all([chooseAccelerator(binary, props.architecture, props.accelerator), qemuVersion(binary), machineType(binary, machineName(props))]);
  await Promise.all([makeFolder(places.folder, 0o700), makeFolder(places.work, 0o700)]);
  // QEMU adds to the log, so that it survives a restart of the machine; a second try of the build begins a new one.
  await rm(places.serialLog, { force: true });

  const keys = before === undefined ? needsKey(props) ? await makeKeys(props, ctx) : undefined : before.keys, instance = before?.instance ?? places.marker;
  if (keys !== undefined) await writeFile(join(places.folder, 'key'), keys.login.privateKey, { mode: 0o600 });
  const { disks, base, diskSizes } = await prepareDisks(props, origin, places, ctx);
  const flash = await prepareFirmware(props, machine, places, before?.vars), tpm = props.vtpm ? { device: props.tpmDeviceType ?? (isArm ? 'tpm-tis-device' : props.useTpm1 ? 'tpm-tis' : 'tpm-crb'), version1: props.useTpm1, socket: await prepareTpm(places.folder, props.useTpm1, before?.tpm) } : undefined;
  const cdrom = props.cdromInterface ?? (isArm ? 'virtio-scsi' : 'ide'), cd = (path: string, bootable: boolean): CdSpec => ({ path, interface: cdrom, bootable });
  const cds = [...origin.iso === undefined ? [] : [cd(origin.iso, true)], ...(await makeDiscs(props, places.folder, instance, keys, fill)).map(path => cd(path, false))];
  const vnc = props.disableVnc ? undefined : await prepareVnc(props, places);

  const spec: MachineSpec = {
    binary, architecture: props.architecture, machine, accelerator: accelerator.name,
    machineOptions: flash.secure ? ['smm=on'] : [],
    cpu: props.cpuModel ?? (accelerator.slow ? isArm ? 'max,pauth-impdef=on' : 'max' : 'host'), smp: topology(props), memory: props.memory.$size,
    memoryFrom: { path: places.memory, share: true }, disks, cds, floppy: await makeFloppy(props, places.folder, fill),
    net: {
      device: props.netDevice === 'virtio-net' ? 'virtio-net-pci' : props.netDevice,
      ...(props.netBridge === undefined ? {} : { bridge: props.netBridge, mac: ownAddress(instance) }),
      forwards: props.skipNatMapping ? [] : [...(props.communicator === 'none' ? [] : [{ guest: doorOf(props).port, host: 0 }]), ...(props.portForwards ?? []).map(f => ({ guest: f.guest, host: f.host ?? 0 }))],
    },
    vga: adapter(props.vga ?? (isArm ? 'virtio' : 'std')), display: await chooseDisplay(binary, props), vnc: vnc?.argument, objects: vnc?.objects ?? [],
    usb: props.usb || isArm, firmware: flash.arguments, globals: flash.secure ? ['driver=cfi.pflash01,property=secure,value=on'] : [], bios: props.usePflash ? undefined : props.firmware, tpm,
    // What was installed boots by itself; a disk that came without a boot loader needs its kernel each time.
    kernel: before === undefined || origin.iso === undefined ? await prepareKernel(props, origin.iso, places, fill) : undefined,
    ...await prepareCredential(props, keys, places),
    folder: places.folder, serialLog: places.serialLog, marker: places.marker, incoming: false, noReboot: before === undefined && origin.iso !== undefined && props.kernelBoot !== undefined && (props.kernelBoot.kernel !== undefined || props.kernelBoot.kernelFile !== undefined), extra: props.qemuArgs ?? [], extraReplace: props.qemuArgsReplace,
  };
  return { spec, accelerator, version, keys, instance, base, diskSizes, vars: flash.vars, vncPassword: vnc?.password };
}

async function prepareDisks(props: Props, { image, before }: Origin, places: Places, ctx: Context): Promise<{ readonly disks: MachineSpec['disks']; readonly base: Layer | undefined; readonly diskSizes: readonly number[] }> {
  const info = image === undefined ? undefined : await imageInfo(image, ctx.signal), base = image === undefined ? undefined : { path: image, format: info!.format };
  const first = image === undefined ? (props.diskSize ?? Size.gib(40)).$size : sizeFor(image, info!, props.diskSize);
  const diskSizes = before?.disks.map(d => d.size) ?? [first, ...(props.diskAdditionalSize ?? []).map(s => s.$size)];
  const disks = diskSizes.map((_, i): DiskSpec => ({
    top: join(places.work, diskFile(i, 0)), under: [...(i === 0 && base !== undefined ? [base] : []), ...before?.disks[i]?.layers ?? []],
    interface: props.diskInterface, cache: props.diskCache, discard: props.diskDiscard, detectZeroes: props.diskDetectZeroes,
  }));
  const more = [...props.qemuImgArgs?.create ?? [], ...props.qemuImgArgs?.resize ?? []];
  for (const [i, disk] of disks.entries()) await makeDisk(disk.top, diskSizes[i]!, more);
  return { disks: disks as [DiskSpec, ...DiskSpec[]], base, diskSizes };
}
/** The n-th layer that a machine makes of a disk. */
export const diskFile = (disk: number, n: number): string => `${disk === 0 ? 'disk' : `disk${disk}`}-${n}.qcow2`;

async function prepareFirmware(props: Props, machine: string, places: Places, saved: string | undefined): Promise<{ readonly arguments: readonly string[]; readonly vars: string | undefined; readonly secure: boolean }> {
  if (!usesEfi(props)) return { arguments: props.firmware !== undefined && props.usePflash ? [`if=pflash,unit=0,format=raw,readonly=on,file=${comma(props.firmware)}`] : [], vars: undefined, secure: false };
  const { efi } = props, secure = efi?.secureBoot === true;
  const found = efi?.firmwareCode !== undefined ? { code: efi.firmwareCode, vars: efi.firmwareVars, secure } : await findFirmware(props.architecture, machine, secure), template = saved ?? efi?.firmwareVars ?? found.vars;
  const vars = template === undefined ? undefined : join(places.work, 'efivars.fd');
  if (vars !== undefined) await copyFile(template!, vars);
  return { arguments: flashArguments(found.code, vars), vars, secure };
}

async function prepareKernel({ kernelBoot }: Props, iso: string | undefined, places: Places, fill: Fill): Promise<MachineSpec['kernel']> {
  if (kernelBoot?.kernel === undefined && kernelBoot?.kernelFile === undefined) return undefined;
  const take = async (path: string | undefined, file: string | undefined, name: string): Promise<string | undefined> => {
    if (file !== undefined || path === undefined || iso === undefined) return file;
    const to = join(places.folder, name);
    await extractFromIso(iso, path, to);
    return to;
  };
  const kernel = await take(kernelBoot.kernel, kernelBoot.kernelFile, 'kernel'), initrd = await take(kernelBoot.initrd, kernelBoot.initrdFile, 'initrd');
  return kernel === undefined ? undefined : { kernel, initrd, append: kernelBoot.append === undefined ? undefined : fill(kernelBoot.append) };
}

/** By two ways, since kernels differ in which of them they read before systemd starts: Ubuntu's has the module for the first in a package of extras only. */
async function prepareCredential(props: Props, keys: SeedKeys | undefined, places: Places): Promise<Pick<MachineSpec, 'firmwareConfig' | 'smbiosStrings'>> {
  if (keys === undefined || props.cloudInit?.enabled === false) return { firmwareConfig: props.firmwareConfig ?? {}, smbiosStrings: [] };
  const file = join(places.folder, 'tmpfiles.extra'), smbios = join(places.folder, 'smbios'), text = credential(keys);
  await Promise.all([writeFile(file, text, { mode: 0o600 }), writeFile(smbios, `io.systemd.credential.binary:tmpfiles.extra=${Buffer.from(text, 'utf8').toString('base64')}`, { mode: 0o600 })]);
  return { firmwareConfig: { ...props.firmwareConfig, 'opt/io.systemd.credentials/tmpfiles.extra': file }, smbiosStrings: [smbios] };
}

async function prepareVnc({ vnc }: Props, places: Places): Promise<{ readonly argument: string; readonly objects: readonly string[]; readonly password: string | undefined }> {
  const password = vnc?.usePassword === false && vnc.password === undefined ? undefined : (vnc?.password ?? randomBytes(6).toString('base64url')).slice(0, 8), first = (vnc?.portMin ?? 5900) - 5900;
  const argument = `${vnc?.bindAddress ?? '127.0.0.1'}:${first},to=${vnc?.portMax === undefined ? first + 500 : vnc.portMax - 5900}`;
  if (password === undefined) return { argument, objects: [], password };
  // Not on the command line: everybody can read that.
  const file = join(places.folder, 'vnc');
  await writeFile(file, password, { mode: 0o600 });
  return { argument: `${argument},password-secret=vnc0`, objects: [`secret,id=vnc0,file=${comma(file)}`], password };
}

function topology({ cpus, sockets, cores, threads }: Props): string {
  if (sockets === undefined && cores === undefined && threads === undefined) return String(cpus);
  return `${(sockets ?? 1) * (cores ?? 1) * (threads ?? 1)},sockets=${sockets ?? 1},cores=${cores ?? 1},threads=${threads ?? 1}`;
}

/** Names as Packer and `-vga` have them, as devices. */
const adapter = (vga: string): string => ({ std: 'VGA', virtio: 'virtio-gpu-pci', qxl: 'qxl-vga', cirrus: 'cirrus-vga', vmware: 'vmware-svga', none: 'none' } as { readonly [name: string]: string })[vga] ?? vga;
/** On a bridge, two machines must not have one address. */
const ownAddress = (marker: string): string => `52:54:00:${marker.slice(-6).replace(/../g, '$&:').slice(0, -1)}`;

/** Nothing said about how to log in: then it is our key. */
export function needsKey({ ssh, winrm, cloudInit, communicator }: Props): boolean {
  return communicator !== 'none' && winrm === undefined && ssh?.password === undefined && ssh?.privateKeyFile === undefined && ssh?.agentAuth !== true && cloudInit?.enabled !== false;
}

async function makeKeys(props: Props, ctx: Context): Promise<SeedKeys> {
  const { username, temporaryKeyPairName: comment = `imagebake-${ctx.run.id}`, temporaryKeyPairType: type, temporaryKeyPairBits: bits = 0 } = props.ssh!;
  const [login, host] = await Promise.all([generateSshKey({ type, bits, comment }), generateSshKey({ type, bits, comment })]);
  return { user: username, login, host };
}
