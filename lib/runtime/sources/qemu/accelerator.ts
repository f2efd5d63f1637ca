/** Which accelerator a guest runs with: the fast one where it really works, and a reason that can be said aloud. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors } from '../../../errors.js';

const fail = errors('ACCELERATOR', {
  UNUSABLE: {
    message: (name: string, reason: string) => `The accelerator '${name}' was asked for and does not work here: ${reason}.`,
    remedy: 'Leave `accelerator` out to take what works, or set it to \'tcg\' (software emulation, slow).',
    explain: 'A guest would stop or hang at its first instruction. Nothing slower is taken silently when an accelerator was asked for by name.',
  },
});

export interface Accelerator {
  /** As QEMU names it: `kvm`, `tcg`, `hvf`. */
  readonly name: string;
  /** Software emulation: everything takes many times longer, time limits too. */
  readonly slow: boolean;
  /** `kvm`, or `tcg (software emulation, slow): …why not kvm`. */
  readonly says: string;
}

/** Takes the accelerator asked for, or the best that works: a guest of the host's own architecture under KVM (Linux) or HVF (macOS), else TCG. */
export async function chooseAccelerator(binary: string, architecture: string, asked: string | undefined): Promise<Accelerator> {
  if (asked === 'tcg' || asked === 'none') return { name: 'tcg', slow: true, says: 'tcg (software emulation, slow), as asked for' };
  if (asked !== undefined && asked !== 'kvm') return { name: asked, slow: false, says: `${asked}, as asked for` };
  if (asked === undefined && process.platform === 'darwin' && architecture === hostArchitecture()) return { name: 'hvf', slow: false, says: 'hvf' };
  const reason = await whyNotKvm(binary, architecture);
  if (reason === undefined) return { name: 'kvm', slow: false, says: asked === undefined ? 'kvm' : 'kvm, as asked for' };
  if (asked === 'kvm') throw fail.UNUSABLE('kvm', reason);
  return { name: 'tcg', slow: true, says: `tcg (software emulation, slow): ${reason}` };
}

/** The host's architecture, in QEMU's words. */
export function hostArchitecture(): string {
  return process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch;
}

const known = new Map<string, Promise<string | undefined>>();
/** Why KVM does not work for guests of an architecture here; nothing where it works. Asked once a process. */
function whyNotKvm(binary: string, architecture: string): Promise<string | undefined> {
  const key = `${binary} ${architecture}`;
  let answer = known.get(key);
  if (answer === undefined) known.set(key, answer = findOut(binary, architecture));
  return answer;
}

async function findOut(binary: string, architecture: string): Promise<string | undefined> {
  if (architecture !== hostArchitecture()) return `the guest is ${architecture}, this computer is ${hostArchitecture()}`;
  try { await access('/dev/kvm', constants.R_OK | constants.W_OK); }
  catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' ? 'this computer has no /dev/kvm' : code === 'EACCES' ? 'no right to use /dev/kvm: add the user to the group kvm' : `/dev/kvm does not open (${code})`;
  }
  if (architecture !== 'x86_64') return undefined;
  const flags = /^flags\s*:(.*)$/m.exec(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''))?.[1]?.split(' ') ?? [];
  if (!flags.includes('vmx') && !flags.includes('svm')) return '/dev/kvm opens, but the CPU shows neither vmx nor svm';
  // Some hosts claim everything and then hang or crawl: only a guest that ran in time proves something.
  for (let i = 0; i < 2; i++) if (await probe(binary)) return undefined;
  return 'a test guest under KVM did not run';
}

/** A boot sector that enters 64-bit mode, counts, and leaves by the debug port with status 33. */
const sector = 'fa31c08ed88ec08ed0bc007cbf001089f86631c0b9000c66f3ab66c70600100320000066c70600200330000066c70600308300000066b8a00000000f22e066ba001000000f22da66b9800000c00f32660d000100000f300f20c36681cb010000800f22c3660f0116b07c66ea727c00000800b8100000008ed88ed031c9ffc1890c250080000081f9a086010072efb010e6f4f4ebfd0f1f00000000000000000000000000009a200000000000009200001700987c';

async function probe(binary: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'bake-probe-'));
  try {
    const image = Buffer.alloc(512);
    image.write(sector, 'hex');
    image.set([0x55, 0xaa], 510);
    await writeFile(join(folder, 'probe.bin'), image);
    const child = spawn(binary, ['-accel', 'kvm', '-cpu', 'host', '-m', '32', '-display', 'none', '-nodefaults', '-vga', 'none', '-no-reboot',
      '-device', 'isa-debug-exit,iobase=0xf4,iosize=1', '-drive', `file=${join(folder, 'probe.bin')},format=raw,if=floppy`, '-boot', 'a'], { stdio: 'ignore' });
    return await new Promise(resolve => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 1000);
      child.once('error', () => { clearTimeout(timer); resolve(false); });
      child.once('exit', code => { clearTimeout(timer); resolve(code === 33); });
    });
  } finally { await rm(folder, { recursive: true, force: true }); }
}
