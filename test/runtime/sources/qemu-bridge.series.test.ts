/** A guest on a bridge of this computer, with an address from a DHCP server that is not ours. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { App, host, ImageBuild, QemuSource, ShellProvisioner } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { baseSystem } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { outputOf, program, temporaryFolder, type TestProgram } from '../../support/program.js';

const bridge = 'bake-test0', network = '192.168.211', allowed = '/etc/qemu/bridge.conf';
const notesOf = (p: TestProgram): string => p.events.map(e => (e.type === 'note' || e.type === 'warning' ? e.message : e.type === 'step-end' && e.error ? e.error.message : '')).filter(t => t !== '').join('\n');
const ip = (...args: readonly string[]): void => { execFileSync('ip', args, { stdio: 'ignore' }); };

requires('qemu', 'base', 'bridge')('a guest on a bridge', () => {
  let before: string | undefined, server: ReturnType<typeof spawn>;
  beforeAll(() => {
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('addr', 'add', `${network}.1/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    before = existsSync(allowed) ? readFileSync(allowed, 'utf8') : undefined;
    mkdirSync('/etc/qemu', { recursive: true });
    writeFileSync(allowed, `${before ?? ''}\nallow ${bridge}\n`);
    server = spawn('dnsmasq', ['--no-daemon', '--conf-file=/dev/null', '--port=0', `--interface=${bridge}`, '--bind-interfaces', '--except-interface=lo', `--dhcp-range=${network}.100,${network}.150,10m`, '--dhcp-leasefile=/dev/null'], { stdio: 'ignore' });
  });
  afterAll(() => {
    server?.kill();
    try { ip('link', 'del', bridge); } catch { /* it was never made */ }
    if (before === undefined) rmSync(allowed, { force: true }); else writeFileSync(allowed, before);
  });

  test('is found, reaches our HTTP server, and is found again where it goes on from memory', async () => {
    const { disk, kernel, initrd, append } = await baseSystem(), checkpoints = { store: new CheckpointStore(await temporaryFolder()) };
    const build = (last: string): Promise<TestProgram> => program((app: App) => new ImageBuild(app, 'web', {
      sources: [new QemuSource({ diskImage: disk, kernelBoot: { kernelFile: kernel, initrdFile: initrd, append }, netBridge: bridge, http: { content: { '/hello': 'hello from the host' } }, outputDirectory: 'out' })],
      provisioners: [
        new ShellProvisioner({ inline: ['hostname -I'], checkpoint: 'always' }),
        new ShellProvisioner({ executeCommand: '{{ .Vars }} bash {{ .Path }}', environment: { IP: host.httpIp, PORT: host.httpPort }, inline: [`echo ${last}`, 'exec 3<>/dev/tcp/$IP/$PORT; printf "GET /hello HTTP/1.0\\r\\n\\r\\n" >&3; tail -n1 <&3'], checkpoint: 'never' }),
      ],
    }));
    const first = await build('one');
    expect((await first.run({ checkpoints })).targets, notesOf(first)).toMatchObject([{ outcome: 'done' }]);
    expect(outputOf(first.events)).toMatch(new RegExp(`^${network}\\.1\\d\\d `, 'm'));
    expect(outputOf(first.events)).toContain('hello from the host');
    const second = await build('two');
    expect((await second.run({ checkpoints })).targets, notesOf(second)).toMatchObject([{ outcome: 'done' }]);
    expect(notesOf(second)).toContain('resumed from memory');
    expect(outputOf(second.events)).toContain('two\nhello from the host');
  }, 300_000);
});
