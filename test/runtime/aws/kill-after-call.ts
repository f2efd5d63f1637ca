/** Kills a build right after one of its calls was carried out, sweeps up with the journal alone, and tells what is left. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import type { Call } from '../../support/ec2-server/front.js';
import type { Ec2Server } from '../../support/ec2-server/server.js';

export interface Killed {
  /** The call after which it was killed; undefined: it ended before that. */
  readonly after: string | undefined;
  readonly left: readonly string[];
  readonly failed: readonly string[];
  /** What the build said on its way. */
  readonly said: string;
}

export async function killAfter(server: Ec2Server, port: number, props: object, which: (call: Call) => boolean): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), 'bake-killed-'));
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('./killed-build.ts', import.meta.url)), folder, String(port), JSON.stringify(props)], {
    stdio: ['ignore', 'pipe', 'pipe'], cwd: fileURLToPath(new URL('../../..', import.meta.url)), env: { ...process.env, ...server.environment },
  });
  let said = '', after: string | undefined;
  child.stdout.on('data', chunk => { said += String(chunk); });
  child.stderr.on('data', chunk => { said += String(chunk); });
  const ended = new Promise(resolve => child.once('close', resolve));
  server.front.onCall = async call => {
    if (after !== undefined || !which(call)) return;
    after = `${call.region} ${call.action}`;
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await ended;
    server.front.onCall = undefined;
    const { failed } = await collectGarbage(join(folder, '.bake'));
    // Finished images stay: they carry no date of expiry.
    const finished = new Set([...server.world.regions.values()].flatMap(region => [...region.images.values()].map(i => i.image).filter(i => !i.Tags!.some(t => t.Key === 'imagebake:expires-at'))
      .flatMap(i => [i.ImageId!, ...(i.BlockDeviceMappings ?? []).map(d => d.Ebs?.SnapshotId ?? '')])));
    const left = server.world.inventory().filter(what => ![...finished].some(id => id !== '' && what.includes(id)));
    for (const region of server.world.regions.values()) for (const [id, { image }] of region.images) if (image.OwnerId === '111122223333') region.images.delete(id);
    for (const region of server.world.regions.values()) for (const [id, { snapshot }] of region.snapshots) if (snapshot.OwnerId === '111122223333') region.snapshots.delete(id);
    return { after, left, failed: failed.map(f => `${f.entry.what} ${f.entry.name}: ${f.error}`), said };
  } finally {
    server.front.onCall = undefined;
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
