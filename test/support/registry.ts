/** A registry of container images on this computer, in a folder of its own; engines take it without TLS, since it is on the loopback. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ImageRegistry extends AsyncDisposable { readonly address: string }

export async function startRegistry(): Promise<ImageRegistry> {
  // The registry cannot say which port the kernel gave it, so a free one is looked for, and another where it was taken meanwhile.
  for (let attempt = 1; ; attempt++) {
    try { return await startOn(await freePort()); } catch (error) { if (attempt === 5) throw error; }
  }
}

async function startOn(port: number): Promise<ImageRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'bake-registry-')), address = `127.0.0.1:${port}`;
  writeFileSync(join(folder, 'config.yml'), `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }\nhttp: { addr: "${address}" }\n`);
  const server = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const ended = new Promise<void>(resolve => { server.once('exit', () => resolve()); server.once('error', () => resolve()); });
  const stop = async (): Promise<void> => { server.kill('SIGKILL'); await ended; rmSync(folder, { recursive: true, force: true }); };
  for (let i = 0; i < 300; i++) {
    if (server.exitCode !== null) break;
    if (await fetch(`http://${address}/v2/`).then(answer => answer.ok, () => false)) return { address, [Symbol.asyncDispose]: stop };
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`docker-registry did not come up on ${address}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
