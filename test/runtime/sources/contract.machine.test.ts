import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { DockerSource, Duration, QemuSource, Secret, Size } from '../../../lib/index.js';
import { sourceContract } from '../../contracts/source-driver.js';
import { baseImage } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { type FaultServer, faultServer } from '../../support/ssh-fault-server.js';

requires('docker', 'docker-cli', 'base')('the docker source keeps the contract of sources:', () => {
  let image: string;
  beforeAll(async () => { image = await baseImage(); }, 600_000);
  sourceContract(() => ({
    source: () => new DockerSource({ image, pull: false, commit: true }),
    traces: ({ ctx }) => execFileSync('docker', ['ps', '-a', '--filter', `name=${ctx.run.id}`, '--format', '{{.Names}}'], { encoding: 'utf8' }).split('\n').filter(name => name !== ''),
  }));
});

// An empty disk, and somebody else who answers in the guest's place: a machine's whole life without a boot.
requires('qemu')('the qemu source keeps the contract of sources:', () => {
  let guest: FaultServer, folder = '';
  beforeAll(async () => {
    guest = await faultServer({ password: 'root:hunter2', run: (command, channel) => {
      if (command.includes('switch off')) for (const pid of qemusWith(folder)) process.kill(pid, 'SIGKILL');
      channel.exit(0);
      channel.end();
    } });
  });
  afterAll(() => guest[Symbol.asyncDispose]());
  sourceContract(() => ({
    secret: 'hunter2',
    source: at => {
      folder = at;
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'empty.qcow2'), '8M']);
      return new QemuSource({
        diskImage: 'empty.qcow2', outputDirectory: 'out', memory: Size.mib(64), cloudInit: { enabled: false }, shutdown: { command: 'switch off' },
        ssh: { host: '127.0.0.1', port: guest.port, username: 'root', password: Secret.env('GUEST_PASSWORD'), timeout: Duration.minutes(1) },
      });
    },
    traces: at => [...qemusWith(at.folder).map(pid => `process ${pid}`), ...readdirSync(at.folder).filter(name => name.startsWith('.') && name !== '.bake')],
  }));
});

function qemusWith(text: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try { const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8'); return line.startsWith('qemu-system') && line.includes(text); } catch { return false; }
  });
}
