import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { App, FileSource, generated, ImageBuild, QemuSource, VagrantPostProcessor, type VagrantPostProcessorProps } from '../../../lib/index.js';
import type { Artifact, PostProcessed } from '../../../lib/runtime/driver.js';
import { fileRef } from '../../../lib/runtime/host/file-ref.js';
import { synth } from '../../../lib/synth/synth.js';
import { toPackerJson } from '../../../lib/synth/packer.js';
import { postProcessorContract } from '../../contracts/post-processor-driver.js';
import { driverContext } from '../../support/driver-context.js';
import { requires } from '../../support/machine.js';
import { ready } from '../../support/planned.js';
import { program, temporaryFolder } from '../../support/program.js';

const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string => execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
const inBox = (box: string, ...names: string[]): string => run('tar', ['-xzOf', box, ...names]);

/** A QEMU image as the source makes it, with two disks and firmware variables. */
async function qemuArtifact(folder: string): Promise<Artifact> {
  const paths = ['web.qcow2', 'web-1.qcow2'].map(name => join(folder, 'output', name));
  mkdirSync(join(folder, 'output'));
  for (const [i, path] of paths.entries()) run('qemu-img', ['create', '-q', '-f', 'qcow2', path, `${i + 1}G`]);
  paths.push(join(folder, 'output/efivars.fd'));
  writeFileSync(paths[2]!, 'variables');
  return { madeBy: 'source/qemu', id: paths[0]!, files: await Promise.all(paths.map(path => fileRef(path))), data: { format: 'qcow2', diskSize: 1024 ** 3, disks: 2, architecture: 'aarch64', diskInterface: 'virtio-scsi', netDevice: 'e1000' }, outputs: { path: paths[0]! } };
}

async function processed(props: VagrantPostProcessorProps<'qemu'>, input: (folder: string) => Promise<Artifact>, use: (result: PostProcessed, folder: string, said: readonly string[]) => void): Promise<void> {
  const at = await driverContext(), app = new App(), { folder } = at;
  try {
    new ImageBuild(app, 'test', { sources: [new QemuSource({ diskImageUrl: 'http://127.0.0.1/x' })], postProcessors: [new VagrantPostProcessor(props)] });
    const { plan } = synth(app, { folder }), its = await ready(plan, plan.targets[0]!.postProcessors[0]![0]!, folder);
    use(await its.driver.run(its.props, await input(folder), at.ctx) as PostProcessed, folder, at.said);
  } finally { await at.end(); }
}

requires('qemu-img', 'vagrant')('a box', () => {
  test('of a raw disk is added by vagrant, with disk, size, files and Vagrantfile', async () => {
    const p = await program((app, folder) => {
      writeFileSync(join(folder, 'disk.raw'), Buffer.concat([randomBytes(3 << 20), Buffer.alloc(5 << 20)]));
      writeFileSync(join(folder, 'notes.txt'), 'hello');
      writeFileSync(join(folder, 'Vagrantfile.in'), '# {{ .BuildName }} for {{.Provider}} on {{ .Architecture }}\nVagrant.configure("2") { |config| config.ssh.username = "admin" }\n');
      new ImageBuild(app, 'web', {
        sources: [new FileSource({ source: 'disk.raw', target: 'out/disk.raw' })],
        postProcessors: [new VagrantPostProcessor({ output: '{{.BuildName}}.box', providerOverride: 'libvirt', architecture: 'amd64', include: ['notes.txt'], vagrantfileTemplate: 'Vagrantfile.in', compressionLevel: 1 })],
      });
    });
    expect((await p.run()).outcome).toBe('done');
    expect(existsSync(join(p.folder, 'out/disk.raw'))).toBe(false);
    const box = join(p.folder, 'web.box'), home = await temporaryFolder('bake-vagrant-');
    // A proxy that is not there: nothing may be fetched.
    const env = { HOME: home, VAGRANT_HOME: home, VAGRANT_CHECKPOINT_DISABLE: '1', VAGRANT_NO_COLOR: '1', http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9' };
    run('vagrant', ['box', 'add', '--name', 'test/web', box], env);
    const there = join(home, 'boxes/test-VAGRANTSLASH-web/0/libvirt');
    expect(JSON.parse(run('qemu-img', ['info', '--output=json', join(there, 'box.img')]))).toMatchObject({ format: 'qcow2', 'virtual-size': 8 << 20 });
    expect(run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', await rawOf(join(there, 'box.img')), join(there, 'box.img')])).toContain('identical');
    expect(JSON.parse(readFileSync(join(there, 'metadata.json'), 'utf8'))).toEqual({ provider: 'libvirt', format: 'qcow2', virtual_size: 1, architecture: 'amd64' });
    expect(readFileSync(join(there, 'notes.txt'), 'utf8')).toBe('hello');
    expect(run('ruby', ['-c', join(there, 'Vagrantfile')])).toContain('Syntax OK');
    expect(readFileSync(join(there, 'Vagrantfile'), 'utf8')).toContain('# web for libvirt on amd64\n');
  });

  test('of a QEMU image has all of its disks, its devices, and nothing else', () => processed({ output: 'x.box' }, qemuArtifact, ({ artifact, keepInput }, folder, said) => {
    const box = join(folder, 'x.box');
    expect([artifact.id, keepInput]).toEqual([box, 'no']);
    expect(run('tar', ['-tzf', box]).trim().split('\n')).toEqual(['metadata.json', 'Vagrantfile', 'disk-1.qcow2', 'disk-2.qcow2']);
    expect(JSON.parse(inBox(box, 'metadata.json'))).toMatchObject({ virtual_size: 1, architecture: 'arm64', disks: [{ path: 'disk-1.qcow2', format: 'qcow2' }, { path: 'disk-2.qcow2', format: 'qcow2' }] });
    expect(inBox(box, 'Vagrantfile')).toMatch(/disk_bus = "scsi"\n.*nic_model_type = "e1000"/);
    expect(said.join('\n')).toContain('boots by UEFI');
  }));

  test('of an image that leans on another one stands alone', () => processed({ output: 'x.box' }, async folder => {
    const base = join(folder, 'base.qcow2'), image = join(folder, 'image.qcow2');
    writeFileSync(join(folder, 'content'), randomBytes(1 << 20));
    run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', join(folder, 'content'), base]);
    run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, image]);
    return { madeBy: 'source/qemu', id: image, files: [await fileRef(image)], data: { format: 'qcow2', diskSize: 1 << 20 }, outputs: { path: image } };
  }, (_result, folder) => {
    execFileSync('tar', ['-C', folder, '-xzf', join(folder, 'x.box'), 'box.img']);
    expect(run('qemu-img', ['info', join(folder, 'box.img')])).not.toContain('backing');
    expect(statSync(join(folder, 'box.img')).size).toBeGreaterThan(1 << 20);
  }));

  test('is not made of what is no disk image, which is said before anything starts', async () => {
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'x' })], postProcessors: [new VagrantPostProcessor()] }); });
    const result = JSON.stringify(await p.run());
    expect(result).toContain('VAGRANT_NO_IMAGE');
    expect(existsSync(join(p.folder, 'x'))).toBe(false);
  });

  test('cannot have two files of one name', async () => {
    const taken = join(await temporaryFolder(), 'Vagrantfile');
    writeFileSync(taken, '');
    await expect(processed({ output: 'x.box', include: [taken] }, qemuArtifact, () => {})).rejects.toThrow('Two files of the box would be called Vagrantfile.');
  });
});

async function rawOf(image: string): Promise<string> {
  const raw = join(await temporaryFolder(), 'raw');
  run('qemu-img', ['convert', '-O', 'raw', image, raw]);
  return raw;
}

requires('qemu-img')('vagrant keeps the contract of post-processors:', () => postProcessorContract('vagrant', () => ({ postProcessor: () => new VagrantPostProcessor({ output: 'test.box', providerOverride: 'libvirt' }) })));

test('exported, a Vagrantfile that a step makes is said to be generated', () => {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'x' })], postProcessors: [new VagrantPostProcessor({ providerOverride: 'libvirt', vagrantfileTemplate: generated('made/Vagrantfile') })] });
  const { 'post-processors': exported } = JSON.parse(Object.values(toPackerJson(app).files)[0]!) as { readonly 'post-processors': readonly unknown[] };
  expect([exported].flat(2)).toEqual([{ type: 'vagrant', provider_override: 'libvirt', vagrantfile_template: 'made/Vagrantfile', vagrantfile_template_generated: true }]);
});
