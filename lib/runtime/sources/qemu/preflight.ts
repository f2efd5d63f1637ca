/** What would fail later, found before anything slow starts: programs, images, space, places. */
import { stat, statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { errors, isBakeError } from '../../../errors.js';
import { checkFile, readChecksum } from '../../network/checksum.js';
import type { Context, PreflightProblem } from '../../driver.js';
import { localPath } from '../../network/download.js';
import { outputProblem } from '../../host/place.js';
import { chooseAccelerator } from './accelerator.js';
import { checkBridge } from './bridge.js';
import { imageInfo, inUnits, sizeFor, whyNotDisk } from './disk.js';
import { chooseDisplay } from './display.js';
import { findFirmware } from './firmware.js';
import { bootEntries } from './install.js';
import { findProgram, machineType } from './launch.js';
import { existing } from './places.js';
import { binaryOf, discOf, machineName, outputFolder, type Props, usesEfi } from './prepare.js';

const problems = errors('QEMU', {
  NO_PROGRAM: {
    message: (name: string) => `'${name}' is not installed (or not in PATH).`,
    remedy: (name: string) => `Install it: apt-get install ${packageOf(name)} (Debian, Ubuntu), or your system's package of QEMU.`,
  },
  NO_ISO: { message: (file: string) => `The installation disc ${file} does not exist.`, remedy: 'Check the path; relative ones are relative to the program\'s folder.' },
  NO_DISC: { message: (path: string) => `kernelBoot takes ${path} out of an installation disc, and there is none.`, remedy: 'Give isoUrl, or a kernel of this computer (kernelBoot.kernelFile, kernelBoot.initrdFile).' },
  NO_IMAGE: { message: (file: string) => `The disk image ${file} does not exist.`, remedy: 'Check the path; relative ones are relative to the program\'s folder.' },
  NOT_AN_IMAGE: { message: (file: string, what: string) => `${file} ${what}.` },
  NO_SPACE: {
    message: (folder: string, free: string, needed: string) => `The file system of ${folder} has ${free} left, and the image may need ${needed}.`,
    remedy: 'Make room, or set outputDirectory to a place on another disk.',
  },
});
const packageOf = (name: string): string => name === 'swtpm' ? 'swtpm' : name.endsWith('qemu-img') ? 'qemu-utils' : name.includes('aarch64') ? 'qemu-system-arm' : 'qemu-system-x86';

const asProblem = (error: unknown, field: string | undefined): PreflightProblem => {
  if (!isBakeError(error)) throw error;
  return { code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }), ...(field === undefined ? {} : { field }) };
};

/** All problems at once. */
export async function preflight(props: Props, ctx: Context): Promise<readonly PreflightProblem[]> {
  const found: PreflightProblem[] = [], binary = binaryOf(props);
  const programs = await Promise.all([binary, 'qemu-img', ...(props.vtpm ? ['swtpm'] : [])].map(async name => await findProgram(name) === undefined ? name : undefined));
  for (const name of programs) if (name !== undefined) found.push(asProblem(problems.NO_PROGRAM(name), name === binary && props.qemuBinary !== undefined ? 'qemuBinary' : undefined));
  if (programs[0] === undefined && props.accelerator !== undefined) {
    try { await chooseAccelerator(binary, props.architecture, props.accelerator); } catch (error) { found.push(asProblem(error, 'accelerator')); }
  }
  const attempt = async (field: string, work: () => unknown): Promise<void> => { try { await work(); } catch (error) { found.push(asProblem(error, field)); } };
  await attempt('boot.command', () => bootEntries(props));
  if (programs[0] === undefined) await attempt(props.display === undefined ? 'headless' : 'display', () => chooseDisplay(binary, props));
  if (props.netBridge !== undefined) await attempt('netBridge', () => checkBridge(props.netBridge!));
  if (programs[0] === undefined && usesEfi(props) && props.efi?.firmwareCode === undefined) {
    await attempt('efi', async () => findFirmware(props.architecture, await machineType(binary, machineName(props)), props.efi?.secureBoot === true));
  }
  for (const [field, url] of [['isoUrl', props.isoUrl], ...(props.isoUrls ?? []).map((url, i) => [`isoUrls[${i}]`, url] as const), ['diskImageUrl', props.diskImageUrl]] as const) {
    const local = url === undefined ? undefined : localPath(url, ctx.programFolder);
    if (local !== undefined && !await stat(local).then(s => s.isFile(), () => false)) found.push(asProblem(field === 'diskImageUrl' ? problems.NO_IMAGE(local) : problems.NO_ISO(local), field));
  }
  const wanted = discOf(props);
  // A list from the network is fetched with the disc.
  if (wanted?.checksum !== undefined && !/^file:https?:/.test(wanted.checksum)) {
    await attempt(wanted.installs ? 'isoChecksum' : 'diskImageChecksum', () => readChecksum(wanted.checksum, basename(wanted.urls[0]!.split(/[?#]/)[0]!), { folder: ctx.programFolder, signal: ctx.signal }));
  }
  if (props.kernelBoot?.kernel !== undefined && props.isoUrl === undefined && props.isoUrls === undefined) found.push(asProblem(problems.NO_DISC(props.kernelBoot.kernel), 'kernelBoot.kernel'));
  const taken = await outputProblem(outputFolder(props, ctx), ctx.force, 'outputDirectory');
  if (taken !== undefined) found.push(taken);
  if (programs[1] === undefined && props.diskImage !== undefined) found.push(...await imageProblems(props.diskImage, props, ctx));
  return found;
}

async function imageProblems(file: string, props: Props, ctx: Context): Promise<PreflightProblem[]> {
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined || !stats.isFile()) return [asProblem(problems.NO_IMAGE(file), 'diskImage')];
  try {
    const info = await imageInfo(file, ctx.signal);
    const why = info.format === 'raw' ? await whyNotDisk(file) : undefined;
    if (why !== undefined) return [{ ...asProblem(problems.NOT_AN_IMAGE(file, why.message), 'diskImage'), remedy: why.remedy }];
    sizeFor(file, info, props.diskSize);
    const expected = await readChecksum(props.diskImageChecksum, file, { folder: ctx.programFolder, signal: ctx.signal });
    if (expected !== undefined) await checkFile(file, expected, { signal: ctx.signal, progress: bytes => ctx.progress('checksum of the disk image', bytes, stats.size, 'bytes') });
    // The overlay while it is built, and the image made from both.
    return await spaceProblem(outputFolder(props, ctx), info.actualSize + 256 * 1024 ** 2);
  } catch (error) {
    return [asProblem(error, isBakeError(error) && error.code.startsWith('CHECKSUM') ? 'diskImageChecksum' : isBakeError(error) && error.code === 'DISK_SMALLER' ? 'diskSize' : 'diskImage')];
  }
}

async function spaceProblem(folder: string, needed: number): Promise<PreflightProblem[]> {
  const at = await existing(folder), { bavail, bsize } = await statfs(at);
  return bavail * bsize >= needed ? [] : [asProblem(problems.NO_SPACE(at, rounded(bavail * bsize), rounded(needed)), 'outputDirectory')];
}
const rounded = (bytes: number): string => inUnits(Math.floor(bytes / 1024 ** 2) * 1024 ** 2);
