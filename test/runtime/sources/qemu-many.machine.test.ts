/** Eight builds of two processes at the same time. The guests are boot sectors that wait to be told to switch themselves off: so all are there at once, however slow the machine is. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bootSector } from '../../support/boot-sector.js';
import { bakeFile, runNode } from '../../support/command-lines.js';
import { requires } from '../../support/machine.js';

const builds = ['a', 'b', 'c', 'd'];
const program = (sockets: string): string => `import { App, ImageBuild, QemuSource, Size } from 'imagebake';
export const app = new App();
for (const id of ${JSON.stringify(builds)}) new ImageBuild(app, id, { sources: [new QemuSource({
  diskImage: '../guest.raw', communicator: 'none', accelerator: 'tcg', memory: Size.mib(32), cpus: 1, http: { content: { '/hello': id } },
  portForwards: [{ guest: 80 }, { guest: 443 }], qemuArgs: [['-serial', 'unix:${sockets}/' + id + ',server=on,wait=off']],
})] });
`;

requires('qemu')('eight builds at once, in two processes', () => {
  test('share no port and no file, and all come to their end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'b8-'));
    try {
      writeFileSync(join(folder, 'guest.raw'), bootSector('up\r\n', { powerOff: 'when told' }));
      const places = ['1', '2'].map(n => join(folder, n));
      for (const place of places) { mkdirSync(place); writeFileSync(join(place, 'images.ts'), program(place)); }
      // Two programs, one cache and one store.
      const env = { BAKE_CACHE_DIR: join(folder, 'cache'), BAKE_CHECKPOINT_DIR: join(folder, 'store') };
      let over = false;
      const running = Promise.all(places.map(cwd => runNode(bakeFile, ['build', '--json', '--parallel', '4'], cwd, env))).finally(() => { over = true; });
      running.catch(() => {});
      const sockets = places.flatMap(place => builds.map(id => join(place, id)));
      while (!over && !sockets.every(existsSync)) await sleep(100);
      const guests = over ? [] : await Promise.all(sockets.map(connected));
      for (const guest of guests) guest.end('!');
      const ended = await running;
      expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([[0, ''], [0, '']]);
      expect(guests).toHaveLength(8);

      const notes = ended.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean).map(line => JSON.parse(line) as { readonly type: string; readonly message?: string })).flatMap(e => (e.type === 'note' ? [e.message ?? ''] : []));
      const ports = notes.flatMap(note => /(?:127\.0\.0\.1|vnc:\/\/[^:]+):(\d+)/.exec(note)?.[1] ?? []);
      expect(ports.length).toBeGreaterThanOrEqual(24);
      expect(new Set(ports).size).toBe(ports.length);
      for (const place of places) expect(readdirSync(join(place, 'output')).sort()).toEqual(builds.map(id => `${id}-qemu`));
      for (const [i, place] of places.entries()) for (const id of builds) expect(existsSync(join(place, 'output', `${id}-qemu`, `${id}.qcow2`)), `${i} ${id}`).toBe(true);
    } finally { rmSync(folder, { recursive: true, force: true }); }
  });
});

const connected = (path: string): Promise<ReturnType<typeof connect>> => new Promise((resolve, reject) => { const socket = connect(path, () => resolve(socket)); socket.on('error', reject).resume(); });
