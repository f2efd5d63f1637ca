/** The base system as a container image: the same tar without what only a machine needs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

export const containerRepository = 'imagebake-base';

/** Imports the tar as `imagebake-base:<key>`, unless the engine has it; the reference. */
export async function importContainer(tar: string, key: string, say: (message: string) => void): Promise<string> {
  const { default: Docker } = await import('dockerode');
  const docker = new Docker(), reference = `${containerRepository}:${key}`;
  try { await docker.getImage(reference).inspect(); return reference; }
  catch (error) { if ((error as { statusCode?: number }).statusCode !== 404) throw error; }
  say(`importing the base system into the container engine as ${reference}`);
  const file = openSync(tar, 'r');
  const filter = spawn('tar', ['--delete', '--wildcards', '-f', '-', './boot/*', './vmlinuz*', './initrd.img*', './usr/lib/modules/*', './etc/resolv.conf', './etc/fstab'], { stdio: [file, 'pipe', 'inherit'] });
  closeSync(file);
  const ended = once(filter, 'close') as Promise<[number | null]>;
  const answer = await (docker.importImage as (file: NodeJS.ReadableStream, options: object) => Promise<NodeJS.ReadableStream>).call(docker,
    filter.stdout!, { repo: containerRepository, tag: key, changes: ['CMD ["bash"]', 'ENV LANG=C.UTF-8'] });
  await new Promise<void>((resolve, reject) => docker.modem.followProgress(answer, error => (error ? reject(error) : resolve())));
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar exited with ${code} while the base system was imported.`);
  await docker.getImage(reference).inspect();
  return reference;
}
