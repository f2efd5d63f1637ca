import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shell } from '../../../lib/constructs/provisioners/shell.js';
import { fieldsOf } from '../../../lib/fields.js';
import type { Resolved } from '../../../lib/kinds.js';
import { SshCommunicator } from '../../../lib/runtime/communicators/ssh.js';
import driver from '../../../lib/runtime/provisioners/shell.js';
import { sshKeyPair } from '../../../lib/runtime/communicators/ssh/key-pair.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';
import { type Behaviour, type FaultServer, faultServer, runHere } from '../../support/ssh-fault-server.js';

type Props = Resolved<typeof shell>;
const defaults = Object.fromEntries(fieldsOf(shell.fields).filter(([, f]) => f.default !== undefined).map(([name, f]) => [name, f.default]));
let it: DriverContext, at: string, server: FaultServer, guest: SshCommunicator;

/** This computer as a guest whose boots we decide: it reads its boot id from a file of ours, and does not see this computer's own state. */
const good: Behaviour = { run: runHere(command => command.replaceAll('/proc/sys/kernel/random/boot_id', join(at, 'boot-id')).replaceAll('systemctl is-system-running', `cat ${join(at, 'state')}`)) };
const boot = (id: string): void => writeFileSync(join(at, 'boot-id'), `${id}\n`);

beforeEach(async () => {
  it = await driverContext();
  at = mkdtempSync(join(tmpdir(), 'bake-reboot-'));
  boot('first');
  server = await faultServer(good);
  guest = await SshCommunicator.open({ address: server, login: { user: 'root', keys: [{ privateKey: sshKeyPair('').privateKey, from: 'test' }] }, budget: 60_000, pace: 20, comeback: 2000, endpoint: { type: 'none' } });
});
afterEach(async () => {
  await guest[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await it.end();
  rmSync(at, { recursive: true, force: true });
});
const run = (props: Partial<Props>): Promise<void> => driver.run({ ...defaults, remoteFolder: at, ...props } as Props, guest, it.ctx).then(() => undefined);
/** Does something once the script says so, by making a file. */
const when = async (name: string, then: () => void): Promise<void> => {
  while (!existsSync(join(at, name))) await new Promise(resolve => { setTimeout(resolve, 20); });
  then();
};

describe('a script whose connection is lost', () => {
  test('has failed, and the remedy is told', async () => {
    const running = run({ inline: [`echo line 1; touch ${at}/now; sleep 3`] });
    await Promise.all([when('now', () => server.drop()), expect(running).rejects.toMatchObject({
      code: 'SHELL_DISCONNECTED', message: expect.stringMatching(/^The connection to the guest was lost while the script ran.*It had said:\nline 1$/s) as string, remedy: expect.stringContaining('mayReboot: true') as string,
    })]);
  });

  test('has succeeded when it was to disconnect and the guest has been rebooted', async () => {
    const running = run({ expectDisconnect: true, inline: [`touch ${at}/now; sleep 3`] });
    await when('now', () => { boot('second'); server.behave('refuse', 'silent', good); server.drop(); });
    await running;
    expect(it.said.at(-1)).toBe('The guest has been rebooted.');
    expect(readdirSync(at).filter(name => name.startsWith('script_')).filter(name => !name.endsWith('.pid') && !name.endsWith('.status'))).toEqual([]);
  });

  test('has ended as its status says when the guest has not been rebooted: the status is kept there', async () => {
    for (const [code, outcome] of [[0, undefined], [3, { code: 'SHELL_FAILED' }]] as const) {
      const running = run({ expectDisconnect: true, inline: [`touch ${at}/now; sleep 1; exit ${code}`] });
      const ended = outcome === undefined ? running : expect(running).rejects.toMatchObject(outcome);
      await when('now', () => { rmSync(join(at, 'now')); server.drop(); });
      await ended;
    }
  });

  test('has failed when there is neither a reboot nor a status', async () => {
    const running = run({ expectDisconnect: true, inline: [`touch ${at}/now; kill -9 $PPID $$; sleep 3`] });
    const failed = expect(running).rejects.toMatchObject({ code: 'SHELL_NO_STATUS' });
    await when('now', () => server.drop());
    await failed;
  });
});

describe('a script that may reboot', () => {
  test('and ends well while the guest goes down is done when the guest is back', async () => {
    const running = run({ mayReboot: true, inline: [`echo stopping >${at}/state; touch ${at}/now`] });
    await when('now', () => {
      setTimeout(() => { boot('second'); rmSync(join(at, 'state')); server.behave('refuse', 'refuse', good); server.drop(); }, 1000);
    });
    await running;
    expect(it.said.slice(-2)).toEqual(['The guest reboots; waiting for it.', 'The guest has been rebooted.']);
  });

  test('and does not is done, too', async () => { await run({ mayReboot: true, inline: ['true'] }); });
});

test('a guest that is away when a script is to start is waited for, as long as the step says', async () => {
  server.behave('refuse', 'refuse', good);
  server.drop();
  await run({ inline: ['true'] });
  const gone = server;
  await gone[Symbol.asyncDispose]();
  await expect(run({ inline: ['true'], startRetryTimeout: { $duration: 500 } })).rejects.toMatchObject({ code: 'SHELL_NOT_STARTED' });
});
