/**
 * `npm start`: from a fresh Debian or Ubuntu with Node to a first image. Says what the machine lacks and installs it through apt
 * (`-- --no-install`: says it and stops), makes the base system once, builds templates-examples/debian, and says how to boot what came out.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { base, containerBase } from './base/base.js';
import { checkEngine } from '../lib/runtime/docker/engine.js';
import { chooseAccelerator } from '../lib/runtime/sources/qemu/accelerator.js';

const root = fileURLToPath(new URL('..', import.meta.url)), example = join(root, 'templates-examples/debian');
const install = !process.argv.includes('--no-install'), isRoot = process.getuid?.() === 0;
const say = (message: string): void => { process.stdout.write(`${message}\n`); };
class Stop extends Error { constructor(message: string, readonly code: number) { super(message); } }

/** What has to be there, and the Debian package that brings it. */
const needs: readonly { readonly what: string; readonly package: string; readonly there: () => boolean }[] = [
  ...([
    ['qemu-system-x86_64', 'qemu-system-x86'], ['qemu-img', 'qemu-utils'], ['mmdebstrap', 'mmdebstrap'], ['mkfs.ext4', 'e2fsprogs'], ['sfdisk', 'fdisk'], ['grub-mkimage', 'grub-common'], ['flock', 'util-linux'],
    ...(isRoot ? [] : [['fakeroot', 'fakeroot'], ['newuidmap', 'uidmap']] as const),
  ] as const).map(([what, pkg]) => ({ what, package: pkg, there: () => onPath(what) })),
  { what: 'grub for BIOS', package: 'grub-pc-bin', there: () => existsSync('/usr/lib/grub/i386-pc/boot.img') },
];

try { await firstImage(); }
catch (error) {
  say(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof Stop ? error.code : 1;
}

async function firstImage(): Promise<void> {
  if (process.arch !== 'x64') throw new Stop(`The first image is made for x86-64, and this computer is ${process.arch}. Everything else works here: see templates-examples.`, 5);
  prepare();
  const { disk } = await base(say);
  const { engine, problems } = await checkEngine(undefined);
  if (!engine) say(`No container image is built: ${problems[0]?.message ?? 'no engine answers'}`);
  const variables = [`disk=${disk}`, ...(engine ? [`container=${await containerBase(say)}`] : [])];
  const command = ['templates-examples/debian/images.ts', 'build', '--force', ...variables.flatMap(variable => ['--var', variable])];
  say(`\n$ npx tsx ${command.join(' ')}\n`);
  const { status, signal } = spawnSync(process.execPath, ['--import', 'tsx', ...command], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Stop(signal ? `The build was ended by ${signal}.` : 'The build did not succeed: see above.', status ?? 1);
  const image = join(example, 'output/debian.qcow2'), { name } = await chooseAccelerator('qemu-system-x86_64', 'x86_64', undefined);
  say(`
The disk image:   ${image}
  boot it:        qemu-system-x86_64 -accel ${name} -m 1024 -smp 2 -nographic -snapshot -drive file=${image},if=virtio -nic user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:2222-:22
  log in:         user root, password imagebake; there, or with: ssh -p 2222 root@127.0.0.1
  leave:          poweroff, or Ctrl-A X${engine ? `
The container:    imagebake-first:latest
  run it:         docker run --rm imagebake-first` : ''}
The program:      ${join(example, 'images.ts')}: change it, and run npm start again`);
}

/** Finds out what is lacking, and installs it unless that was refused. */
function prepare(): void {
  const missing = needs.filter(need => !need.there());
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(need => need.package))];
  say(`This computer lacks ${missing.map(need => `${need.what} (${need.package})`).join(', ')}.`);
  const how = `${isRoot ? '' : 'sudo '}apt-get install ${packages.join(' ')}`;
  if (!install) throw new Stop(`Nothing is installed, as you said. To do it yourself: ${how}`, 5);
  if (!onPath('apt-get')) throw new Stop('There is no apt-get here to install it with. Install these programs as your system does, and run npm start again.', 5);
  if (!isRoot && !onPath('sudo')) throw new Stop(`There is no sudo here. As root: apt-get install ${packages.join(' ')}`, 5);
  say(`Installing through apt (to refuse: npm start -- --no-install): ${how}\n`);
  apt('update', '-q');
  apt('install', '-q', '-y', '--no-install-recommends', ...packages);
  const still = needs.filter(need => !need.there());
  if (still.length > 0) throw new Stop(`After the installation there is still no ${still.map(need => need.what).join(', ')}.`, 5);
  say('');
}

function apt(...args: string[]): void {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args], [file, ...rest] = isRoot ? command : ['sudo', ...command];
  const { status } = spawnSync(file!, rest, { stdio: 'inherit' });
  if (status !== 0) throw new Stop(`apt-get ${args[0]} did not succeed: see above.`, 5);
}

function onPath(name: string): boolean {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].some(folder => {
    try { accessSync(join(folder, name), constants.X_OK); return true; } catch { return false; }
  });
}
