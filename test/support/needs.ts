/** What tests and benchmarks need of the machine beside Node: a name, how to see whether it is there, what to do where it is not. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

interface Need { readonly there: () => boolean; readonly remedy: string }
const command = (name: string, debianPackage: string): Need => ({ there: () => onPath(name), remedy: `apt-get install ${debianPackage}` });

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'imagebake-test');
export const saltFolder = join(cache, 'salt-3008.4');
export const gossProgram = join(cache, 'goss-0.4.9');
const needs = {
  /** A Docker engine that answers. */
  docker: { there: engineAnswers, remedy: 'apt-get install docker.io, and start dockerd' },
  'docker-cli': command('docker', 'docker.io'),
  'docker-registry': command('docker-registry', 'docker-registry'),
  qemu: { there: () => onPath('qemu-system-x86_64') && onPath('qemu-img'), remedy: 'apt-get install qemu-system-x86 qemu-utils' },
  'qemu-img': command('qemu-img', 'qemu-utils'),
  ovmf: { there: () => existsSync('/usr/share/OVMF/OVMF_CODE_4M.fd'), remedy: 'apt-get install ovmf' },
  /** File systems of our own, mounted. */
  mounts: { there: mayMount, remedy: 'run the tests as root, where it may mount' },
  swtpm: command('swtpm', 'swtpm'),
  /** A bridge of one's own, and a DHCP server on it. */
  bridge: {
    there: () => {
      if (process.getuid?.() !== 0 || !['dnsmasq', 'ip'].every(onPath) || !existsSync('/usr/lib/qemu/qemu-bridge-helper')) return false;
      try { execFileSync('ip', ['link', 'add', 'bake-probe', 'type', 'bridge'], { stdio: 'ignore' }); execFileSync('ip', ['link', 'del', 'bake-probe'], { stdio: 'ignore' }); return true; } catch { return false; }
    },
    remedy: 'apt-get install dnsmasq-base iproute2, and run the tests as root where bridges may be made',
  },
  /** All that the base system is made with. */
  base: {
    there: () => ['mmdebstrap', 'qemu-img', 'mkfs.ext4', 'sfdisk', 'grub-mkimage', 'flock', ...(process.getuid?.() === 0 ? [] : ['fakeroot', 'newuidmap'])].every(onPath) && existsSync('/usr/lib/grub/i386-pc/boot.img'),
    remedy: 'apt-get install mmdebstrap qemu-utils e2fsprogs fdisk grub-pc-bin grub-common util-linux, and fakeroot uidmap for others than root',
  },
  /** What the installation disc of the tests is made with. */
  installer: {
    there: () => ['xorriso', 'cpio', 'zstd', 'busybox'].every(onPath) && existsSync('/usr/lib/ISOLINUX/isolinux.bin') && existsSync('/usr/lib/syslinux/modules/bios/ldlinux.c32'),
    remedy: 'apt-get install xorriso cpio zstd busybox-static isolinux syslinux-common',
  },
  /** Keyboards as installers have them, for the guest that is typed at. */
  keymaps: { there: () => ['ckbcomp', 'loadkeys', 'busybox', 'cpio'].every(onPath), remedy: 'apt-get install console-setup kbd busybox-static cpio' },
  mmdebstrap: command('mmdebstrap', 'mmdebstrap'),
  packer: command('packer', 'packer'),
  ssh: command('ssh', 'openssh-client'),
  sshd: command('sshd', 'openssh-server'),
  rsync: command('rsync', 'rsync'),
  ansible: command('ansible-playbook', 'ansible'),
  puppet: command('puppet', 'puppet'),
  tmux: command('tmux', 'tmux'),
  zstd: command('zstd', 'zstd'),
  pigz: command('pigz', 'pigz'),
  xz: command('xz', 'xz-utils'),
  bzip2: command('bzip2', 'bzip2'),
  lz4: command('lz4', 'lz4'),
  unzip: command('unzip', 'unzip'),
  vagrant: command('vagrant', 'vagrant'),
  xorriso: command('xorriso', 'xorriso'),
  mtools: command('mcopy', 'mtools'),
  imagemagick: command('convert', 'imagemagick'),
  lxc: command('lxc-start', 'lxc'),
  tini: command('tini', 'tini'),
  git: command('git', 'git'),
  /** A registry that npm can install from. */
  'npm-registry': { there: () => { try { execFileSync('npm', ['ping'], { stdio: 'ignore', timeout: 60_000 }); return true; } catch { return false; } }, remedy: 'npm ping must succeed' },
  /** An EC2 that others wrote. */
  moto: { there: () => existsSync(join(cache, 'moto-5.2.5/bin/moto_server')), remedy: "python3 -m venv ~/.cache/imagebake-test/moto-5.2.5 && ~/.cache/imagebake-test/moto-5.2.5/bin/pip install 'moto[server,ec2,ssm,secretsmanager,s3,sts,iam,kms]==5.2.5'" },
  /** An NTLM acceptor that others wrote, for the WinRM service of the tests. */
  pyspnego: { there: () => existsSync(join(cache, 'pyspnego-0.12.4/bin/pyspnego-parse')), remedy: "python3 -m venv ~/.cache/imagebake-test/pyspnego-0.12.4 && ~/.cache/imagebake-test/pyspnego-0.12.4/bin/pip install 'pyspnego==0.12.4'" },
  /** Salt, from Python's registry. */
  salt: { there: () => existsSync(join(saltFolder, 'bin/salt-call')), remedy: `/usr/bin/python3 -m venv ${saltFolder} && ${saltFolder}/bin/pip install salt==3008.4` },
  /** goss, from Go's proxy. */
  goss: { there: () => existsSync(gossProgram), remedy: `a Go of 1.22 or newer; .ci/run builds ${gossProgram} with it` },
  root: { there: () => process.getuid?.() === 0, remedy: 'run the tests as root' },
} satisfies { readonly [name: string]: Need };
export type NeedName = keyof typeof needs;

const strict = process.env['BAKE_CI'] === '1';
/** What .ci/run could not get from elsewhere, and said so. */
const without = (process.env['BAKE_WITHOUT'] ?? '').split(' ');
const known = new Map<NeedName, boolean>();

/** Whether the machine has something. Says aloud, once, what it lacks; under BAKE_CI=1 throws, so that nothing is skipped there. */
export function has(name: NeedName): boolean {
  let there = known.get(name);
  if (there === undefined) {
    known.set(name, there = needs[name].there());
    if (!there && strict && !without.includes(name)) throw new Error(`This machine lacks '${name}', and BAKE_CI=1 allows no skipped tests. Remedy: ${needs[name].remedy}.`);
    if (!there) console.warn(`skipped: this machine lacks '${name}' (${needs[name].remedy})`);
  }
  return there;
}

function onPath(name: string): boolean {
  // Servers lie in sbin, which is not on every user's PATH.
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some(folder => {
    try { accessSync(join(folder, name), constants.X_OK); return true; } catch { return false; }
  });
}

/** The setup of the `machines` project has asked already; a test outside of it asks by itself. */
function engineAnswers(): boolean {
  const asked = process.env['BAKE_TEST_ENGINE'];
  if (asked !== undefined) return asked === 'answers';
  try { execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore', timeout: 10_000 }); return true; } catch { return false; }
}

function mayMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'bake-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place], { stdio: 'ignore', timeout: 10_000 });
    execFileSync('umount', [place], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch { return false; } finally { rmdirSync(place); }
}
