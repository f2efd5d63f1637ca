import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { vagrant } from '../../constructs/post-processors/vagrant.js';
import { errors } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import { pack, packingOf } from '../compress/pack.js';
import type { Packed } from '../compress/pieces.js';
import type { Artifact, Context, PostProcessorDriver, PreflightProblem } from '../driver.js';
import { programProblem } from '../host/program.js';
import { packerBuildName } from '../packer-names.js';
import { outputProblem, placeOutput } from '../host/place.js';
import { capture } from '../host/process.js';

const fail = errors('VAGRANT', {
  NO_IMAGE: {
    message: (madeBy: string) => `A box is made of a QEMU image, and this artifact is made by ${madeBy}.`,
    remedy: 'Limit the post-processor to QEMU sources with only, or say providerOverride: \'libvirt\' where the artifact\'s first file is a disk image.',
  },
  TAKEN: { message: (name: string) => `Two files of the box would be called ${name}.`, remedy: 'metadata.json, Vagrantfile and box.img are the box\'s own: give the file in include another name.' },
});

type Props = Resolved<typeof vagrant>;
const provider = 'libvirt';
/** What Vagrant calls QEMU's architectures. */
const architectures: { readonly [name: string]: string } = { x86_64: 'amd64', aarch64: 'arm64' };

export default {
  effects: 'local',
  async preflight(props, ctx) {
    const problems: PreflightProblem[] = [];
    if (ctx.build.sourceType !== 'qemu' && props.providerOverride === undefined) {
      const { code, message, remedy } = fail.NO_IMAGE(`a ${ctx.build.sourceType} source`);
      problems.push({ code, message, ...(remedy === undefined ? {} : { remedy }) });
    }
    problems.push(...programProblem('qemu-img', 'output', 'Install it: apt-get install qemu-utils (Debian, Ubuntu), or your system\'s package of it.'));
    // What the image's architecture is, and what it is called, is known later.
    const names = namesFor(props, ctx, undefined), output: string | undefined = props.output;
    if (output !== undefined && !/\{\{-?\s*\.ArtifactId/.test(output)) problems.push(...[await outputProblem(ctx.fill(output, names), ctx.force, 'output')].filter(problem => problem !== undefined));
    return problems;
  },
  async run(props, input, ctx) {
    if (input.files.length === 0 || (typeof input.data['diskSize'] !== 'number' && props.providerOverride === undefined)) throw fail.NO_IMAGE(input.madeBy);
    const names = namesFor(props, ctx, input), to = ctx.fill(props.output, names), output = await placeOutput(to, ctx);
    const beside = async (name: string, content: string): Promise<Packed> => { const path = join(output.folder, name); await writeFile(path, content); return packed(path, name); };
    const disks: Packed[] = [], all = disksOf(input);
    for (const [i, path] of all.entries()) {
      const name = all.length === 1 ? 'box.img' : `disk-${i + 1}.qcow2`;
      disks.push(await packed(await asQcow2(path, join(output.folder, name), ctx), name));
    }
    const size = typeof input.data['diskSize'] === 'number' ? input.data['diskSize'] : (await infoOf(all[0]!, ctx.signal))['virtual-size'];
    const template = props.vagrantfileTemplate === undefined ? '' : ctx.fill(await readFile(props.vagrantfileTemplate, 'utf8'), names);
    const files = [
      await beside('metadata.json', `${JSON.stringify({
        provider, format: 'qcow2', virtual_size: Math.ceil(size / 1024 ** 3), architecture: names.Architecture, ...(disks.length === 1 ? {} : { disks: disks.map(disk => ({ path: disk.name, format: 'qcow2' })) }),
      }, undefined, 2)}\n`),
      await beside('Vagrantfile', `${vagrantfile(input)}${template === '' ? '' : `\n${template}`}`),
      ...await Promise.all((props.include ?? []).map(path => packed(path, basename(path)))), ...disks,
    ];
    for (const [i, file] of files.entries()) if (files.findIndex(f => f.name === file.name) !== i) throw fail.TAKEN(file.name);
    if (input.files.some(f => f.path.endsWith('/efivars.fd'))) ctx.note('The image boots by UEFI: whoever takes the box needs libvirt.loader in the Vagrantfile (vagrantfileTemplate), and starts with fresh firmware variables.');
    const made = await pack(files, packingOf('tar.gz', undefined), output.path, { level: props.compressionLevel, signal: ctx.signal, progress: (done, total) => ctx.progress('packing the box', done, total, 'bytes') });
    await output.commit();
    const file = { ...made, path: to };
    return { artifact: { madeBy: 'post-processor/vagrant', id: to, files: [file], data: { provider, architecture: names.Architecture }, outputs: { path: to, checksum: file.digest } }, keepInput: 'no' };
  },
} satisfies PostProcessorDriver<typeof vagrant>;

/** libvirt's words for how QEMU attaches a disk; what is not here, it does not know. */
const buses: { readonly [diskInterface: string]: string } = { virtio: 'virtio', 'virtio-scsi': 'scsi', scsi: 'scsi', ide: 'ide', sata: 'sata' };

/** The devices that the guest was made with. How it is accelerated is the business of the computer that it comes to, and is not said. */
function vagrantfile({ data }: Artifact): string {
  const bus = buses[String(data['diskInterface'] ?? 'virtio')], card = String(data['netDevice'] ?? 'virtio-net').replace(/^virtio-net.*$/, 'virtio');
  return `Vagrant.configure("2") do |config|
  config.vm.provider :libvirt do |libvirt|
${bus === undefined ? '' : `    libvirt.disk_bus = "${bus}"\n`}    libvirt.nic_model_type = "${card}"
  end
end
`;
}

interface Names { readonly [name: string]: string; readonly Architecture: string }
function namesFor(props: Props, ctx: Context, input: Artifact | undefined): Names {
  const known = typeof input?.data['architecture'] === 'string' ? input.data['architecture'] : process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return { BuildName: packerBuildName(ctx.build), Provider: provider, Architecture: props.architecture ?? architectures[known] ?? known, ArtifactId: input?.id ?? '' };
}

/** The image and further disks of the machine come first; other files of the artifact (firmware variables, checksums) are none. */
const disksOf = ({ files, data }: Artifact): string[] => files.slice(0, typeof data['disks'] === 'number' ? data['disks'] : 1).map(f => f.path);

async function packed(path: string, name: string): Promise<Packed> {
  const { size, mtimeMs } = await stat(path);
  return { name, path, size, mode: 0o644, mtime: mtimeMs / 1000 };
}

interface Info { readonly format: string; readonly 'virtual-size': number; readonly 'backing-filename'?: string }
const infoOf = async (path: string, signal: AbortSignal): Promise<Info> => JSON.parse(await capture('qemu-img', ['info', '--output=json', path], { signal })) as Info;

/** Vagrant's plugin takes qcow2 alone, and nothing that leans on another file. */
async function asQcow2(path: string, to: string, ctx: Context): Promise<string> {
  const info = await infoOf(path, ctx.signal);
  if (info.format === 'qcow2' && info['backing-filename'] === undefined) return path;
  ctx.note(`Converting ${basename(path)} from ${info.format} to qcow2.`, { detail: true });
  await capture('qemu-img', ['convert', '-f', info.format, '-O', 'qcow2', '-m', '16', '-W', path, to], { signal: ctx.signal });
  return to;
}
