/** Makes the image out of the disks of a machine that is off. */
import { copyFile, mkdir } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import type { Artifact, Context, FileRef } from '../../driver.js';
import { fileRef } from '../../host/file-ref.js';
import { placeOutput } from '../../host/place.js';
import { quote } from '../../guest/quote.js';
import { bootWords } from './command-line.js';
import { flatten, imageInfo } from './disk.js';
import type { QemuMachine } from './machine.js';
import { imageName, outputFolder } from './prepare.js';

/** Writes the image, further disks and the firmware's variables, and puts them, whole, into the output folder. The image is the first file. */
export async function captureDisk({ props, prepared, disks }: QemuMachine, ctx: Context): Promise<Artifact> {
  const folder = outputFolder(props, ctx), name = imageName(props, ctx), placement = await placeOutput(folder, ctx), files: FileRef[] = [];
  await mkdir(placement.path);
  const add = async (file: string): Promise<void> => { const made = await fileRef(join(placement.path, file), ctx.signal); files.push({ ...made, path: join(folder, file) }); };
  const backing = props.useBackingFile ? prepared.base : undefined;
  for (const [i, disk] of disks.entries()) {
    const file = i === 0 ? name : numbered(name, i);
    await flatten([...disk.under, { path: disk.top, format: 'qcow2' }], join(placement.path, file), {
      format: props.format, compression: props.diskCompression ? props.diskCompressionType : undefined, more: props.qemuImgArgs?.convert, backing: i === 0 ? backing : undefined,
      signal: ctx.signal, progress: percent => ctx.progress(`writing ${file}`, percent, 100, 'items'),
    });
    await add(file);
  }
  if (prepared.vars !== undefined && props.efi?.dropEfivars !== true) {
    await copyFile(prepared.vars, join(placement.path, 'efivars.fd'));
    await add('efivars.fd');
  }
  const { virtualSize } = await imageInfo(join(placement.path, name), ctx.signal);
  await placement.commit();
  const [image] = files as [FileRef], { path } = image, efivars = files.find(f => f.path.endsWith('/efivars.fd'))?.path;
  ctx.note(`image: ${relative(ctx.programFolder, path).startsWith('..') ? path : relative(ctx.programFolder, path)}`);
  // Without all of this, firmware of the other kind or empty variables would not find what is on the disk.
  if (efivars !== undefined) ctx.note(`boot it with its variables: ${[prepared.spec.binary, ...bootWords(prepared.spec, path, props.format, efivars)].map(quote).join(' ')}`);
  return {
    madeBy: 'source/qemu', id: path, files,
    data: { format: props.format, diskSize: virtualSize, disks: disks.length, architecture: props.architecture, diskInterface: props.diskInterface, netDevice: props.netDevice, ...(backing === undefined ? {} : { backing: backing.path }) },
    outputs: { path, format: props.format, checksum: image.digest, size: image.size, diskSize: virtualSize, ...(efivars === undefined ? {} : { efivars }) },
  };
}

/** `web.qcow2` -> `web-1.qcow2`. */
function numbered(name: string, n: number): string {
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)}-${n}${extension}`;
}
