/** Makes the image out of the disk of a machine that is off. */
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Artifact, Context } from '../../driver.js';
import { fileRef } from '../../file-ref.js';
import { placeOutput } from '../../place.js';
import { flatten, imageInfo } from './disk.js';
import type { QemuMachine } from './machine.js';
import { imageName, outputFolder } from './prepare.js';

/** Writes the image and puts it, whole, into the output folder. */
export async function captureDisk(machine: QemuMachine, ctx: Context): Promise<Artifact> {
  const { props, prepared } = machine, folder = outputFolder(props, ctx), name = imageName(props, ctx);
  const placement = await placeOutput(folder, ctx);
  await mkdir(placement.path);
  const file = join(placement.path, name);
  const backing = props.useBackingFile ? prepared.base : undefined;
  // Where the image keeps its backing file, everything above that is in it.
  await flatten([...machine.disk.under, { path: machine.disk.top, format: 'qcow2' }], file, {
    format: props.format, compression: props.diskCompression ? props.diskCompressionType : undefined,
    backing,
    signal: ctx.signal, progress: percent => ctx.progress(`writing ${name}`, percent, 100, 'items'),
  });
  const [image, { virtualSize }] = await Promise.all([fileRef(file, ctx.signal), imageInfo(file, ctx.signal)]);
  await placement.commit();
  const path = join(folder, name);
  ctx.note(`image: ${relative(ctx.programFolder, path).startsWith('..') ? path : relative(ctx.programFolder, path)}`);
  return {
    madeBy: 'source/qemu', id: path, files: [{ ...image, path }],
    data: { format: props.format, diskSize: virtualSize, architecture: props.architecture, ...(backing === undefined ? {} : { backing: backing.path }) },
    outputs: { path, format: props.format, checksum: image.digest, size: image.size, diskSize: virtualSize },
  };
}
