import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { host, ImageBuild, NullSource, ShellLocalProvisioner, text } from '../../../lib/index.js';
import { requires } from '../../support/machine.js';
import { outputOf, program } from '../../support/program.js';
import { startSshd } from '../../support/sshd.js';

requires('sshd')('the null source on a machine that is there', () => {
  it('enters it by SSH, and tells steps where it is', async () => {
    await using sshd = await startSshd();
    const p = await program(async (app, folder) => {
      await writeFile(join(folder, 'key'), sshd.key.privateKey, { mode: 0o600 });
      new ImageBuild(app, 'web', {
        sources: [new NullSource({ ssh: { host: sshd.host, port: sshd.port, username: sshd.user, privateKeyFile: 'key', hostKey: sshd.hostKey.publicKey } })],
        provisioners: [new ShellLocalProvisioner({ inline: [text`echo ${host.guestUser}@${host.guestHost}:${host.guestPort} $BAKE_GUEST $BAKE_GUEST_PORT`, 'test -f "$BAKE_GUEST_IDENTITY_FILE"'] })],
      });
    });
    const result = await p.run();
    expect(result.targets[0]!.error).toBeUndefined();
    expect(outputOf(p.events)).toBe(`${sshd.user}@127.0.0.1:${sshd.port} ssh ${sshd.port}\n`);
  });
});

describe('the null source', () => {
  it.each([
    [{ ssh: {} }, 'has ssh settings without a host'], [{ communicator: 'ssh' as const }, 'and no ssh settings'], [{ communicator: 'none' as const, ssh: { host: 'x' } }, 'does not use them'],
  ])('refuses settings that do not fit: %j', (props, message) => {
    return expect(program(app => { new ImageBuild(app, 'a', { sources: [new NullSource(props)] }); })).rejects.toThrow(message);
  });
});
