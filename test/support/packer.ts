/** Debian's Packer as the judge of what we export; a newer one too, where PACKER_BIN names it. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The Packers to ask. */
export const packers: readonly string[] = ['packer', ...(process.env['PACKER_BIN'] ? [process.env['PACKER_BIN']] : [])];

export interface Ran { readonly code: number | null; readonly output: string }

/** Runs Packer in a folder, without the user's configuration, plugins or cache. */
export function packer(bin: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(bin, args, {
      cwd, stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1', PACKER_CONFIG: join(cwd, '.packerconfig'), PACKER_CONFIG_DIR: cwd, PACKER_CACHE_DIR: join(cwd, '.cache'), HOME: cwd, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text; });
    const timer = setTimeout(() => child.kill('SIGKILL'), 240_000);
    child.on('error', reject).on('close', code => { clearTimeout(timer); resolve({ code, output: output.replace(/\u001b\[[0-9;]*m/g, '') }); });
  });
}

/** A folder with some files, removed afterwards. */
export async function inFolder<T>(files: { readonly [name: string]: string }, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'imagebake-packer-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What Packer says of the names and types of options. Other complaints (a value that is not allowed, a file that is not there) are not in it. */
export function complaints(output: string): string[] {
  const flat = output.replace(/\s+/g, ' ');
  return [
    ...[...flat.matchAll(/unknown configuration key: '"([^"]+)"'/g)].map(m => `unknown: ${m[1]}`),
    ...[...flat.matchAll(/An argument named "([^"]+)" is not expected/g)].map(m => `unknown: ${m[1]}`),
    ...[...flat.matchAll(/Blocks of type "([^"]+)" are not expected/g)].map(m => `unknown: ${m[1]}`),
    ...[...flat.matchAll(/Unknown (builder|source type|provisioner|provisioner type|post-processor|post-processor type) "?([a-z-]+)"?/g)].map(m => `no such component: ${m[2]}`),
    ...[...flat.matchAll(/Inappropriate value for attribute "([^"]+)"[^.]*/g)].map(m => `type: ${m[0]}`),
    ...[...flat.matchAll(/'([^']+)' expected type '[^']+', got unconvertible type '[^']+'/g)].map(m => `type: ${m[0]}`),
    ...[...flat.matchAll(/(Attribute redefined|Invalid expression|Argument or block definition required|Missing newline after argument|Invalid block definition|Unsupported attribute)[^.]*\./g)].map(m => `syntax: ${m[0]}`),
  ];
}
