import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectDocker, type DockerConnection } from '../../../lib/runtime/communicators/docker.js';
import { openEngine } from '../../../lib/runtime/docker/engine.js';
import type { Communicator } from '../../../lib/runtime/driver.js';
import { communicatorContract } from '../../contracts/communicator.js';
import { baseImage } from '../../support/base.js';
import { requires } from '../../support/machine.js';

/** A container of our own, and how it goes away. */
async function container(settings: Partial<DockerConnection> = {}): Promise<{ readonly guest: Communicator; readonly name: string; readonly kill: () => Promise<void>; readonly close: () => Promise<void> }> {
  const engine = await openEngine(), name = `bake-test-${randomUUID().slice(0, 8)}`;
  await engine.docker.createContainer({ name, Image: await baseImage(), Cmd: ['/bin/sh'], OpenStdin: true, HostConfig: { Tmpfs: { '/tiny': 'size=4m' } } });
  await engine.docker.getContainer(name).start();
  return {
    name, guest: await connectDocker({ engine, container: name, ...settings }),
    kill: async () => { await engine.docker.getContainer(name).kill(); },
    close: async () => { await engine.docker.getContainer(name).remove({ force: true, v: true }).catch(() => {}); },
  };
}

requires('docker', 'base')('the docker communicator', () => {
  describe('as root', () => communicatorContract(async () => {
    const { guest, close } = await container();
    await guest.exec('mkdir -p /work');
    return { guest, folder: '/work', tiny: '/tiny', close };
  }, { bigFile: 50_000_000 }));

  describe('beyond the contract', () => {
    let box: Awaited<ReturnType<typeof container>>;
    beforeEach(async () => { box = await container(); });
    afterEach(async () => { await box.close(); });

    test('a container that is killed in mid-command is a lost connection, never an exit status', async () => {
      let killed = false;
      const exit = await box.guest.exec('echo started; sleep 60', { stdout: async () => { if (!killed) { killed = true; await box.kill(); } } });
      expect(exit.how).toBe('disconnected');
      expect((await box.guest.exec('true')).how).toBe('disconnected');
    });

    test('reconnecting starts a container that was stopped, and its files are still there', async () => {
      await box.guest.upload(Buffer.from('kept'), '/kept');
      await box.kill();
      await box.guest.reconnect();
      let out = '';
      await box.guest.exec('cat /kept', { stdout: chunk => { out += Buffer.from(chunk).toString('utf8'); } });
      expect(out).toBe('kept');
    });

    test('a container that is removed is a lost connection', async () => {
      await box.close();
      expect((await box.guest.exec('true')).how).toBe('disconnected');
      await expect(box.guest.upload(Buffer.from('x'), '/x')).rejects.toMatchObject({ code: 'TRANSFER_UPLOAD' });
    });

    test('with a terminal, the command sees one', async () => {
      let out = '';
      expect(await box.guest.exec('test -t 1 && echo terminal; exit 4', { pty: true, stdout: chunk => { out += Buffer.from(chunk).toString('utf8'); } })).toEqual({ how: 'exited', code: 4 });
      expect(out).toBe('terminal\r\n');
    });

    test('an image without tar is served by the engine\'s own archive calls', async () => {
      const { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } = await import('node:fs');
      const { tmpdir } = await import('node:os');
      const { join } = await import('node:path');
      const local = mkdtempSync(join(tmpdir(), 'bake-tarless-'));
      try {
        mkdirSync(join(local, 'a/deep'), { recursive: true });
        writeFileSync(join(local, 'a/deep/file'), 'content');
        await box.guest.exec('rm /usr/bin/tar /bin/tar 2>/dev/null; true');
        await box.guest.uploadFolder(join(local, 'a'), '/srv/new/a');
        await box.guest.downloadFolder('/srv/new/a', join(local, 'b'));
        expect(readFileSync(join(local, 'b/deep/file'), 'utf8')).toBe('content');
      } finally { rmSync(local, { recursive: true, force: true }); }
    });
  });
});
