import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  AnsibleLocalProvisioner, AnsibleProvisioner, BreakpointProvisioner, ChefSoloProvisioner, CloudInitWaitProvisioner, Duration, FileProvisioner, GossProvisioner, PackagesProvisioner, PowershellProvisioner,
  type ProvisionerFor, PuppetMasterlessProvisioner, PuppetServerProvisioner, RebootProvisioner, SaltMasterlessProvisioner, SealProvisioner, Secret, ShellLocalProvisioner, ShellProvisioner, SleepProvisioner, text,
  WindowsRestartProvisioner, WindowsShellProvisioner,
} from '../../../lib/index.js';
import type { Exit } from '../../../lib/runtime/driver.js';
import { kindsOf } from '../../support/kinds.js';
import { type ProvisionerFixture, provisionerContract } from '../../contracts/provisioner-driver.js';

const password = Secret.env('PASSWORD'), seconds = Duration.seconds(0);
const unix = (make: () => ProvisionerFor<never>, more: Partial<ProvisionerFixture> = {}): ProvisionerFixture => ({ provisioner: inFolder(make), guest: 'unix', ...more });
const windows = (make: () => ProvisionerFor<never>): ProvisionerFixture => unix(make, { guest: 'windows' });
const anywhere = (make: () => ProvisionerFor<never>): ProvisionerFixture => ({ provisioner: inFolder(make) });
const inFolder = (make: () => ProvisionerFor<never>) => (folder: string) => {
  mkdirSync(join(folder, 'tree'), { recursive: true });
  writeFileSync(join(folder, 'tree/file'), 'x');
  writeFileSync(join(folder, 'file'), 'x');
  writeFileSync(join(folder, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  return make() as never;
};
/** A program in place of ansible-playbook, which takes seconds to say the same. */
function standIn(folder: string, exit: Exit | undefined): void {
  const end = exit === undefined ? 'exec sleep 60' : exit.how === 'exited' ? `exit ${exit.code}` : exit.how === 'signalled' ? `kill -${exit.signal} $$` : 'echo unreachable; exit 4';
  writeFileSync(join(folder, 'program'), `#!/bin/sh\n${end}\n`, { mode: 0o755 });
}

const fixtures: { readonly [type: string]: ProvisionerFixture } = {
  ansible: { ...anywhere(() => new AnsibleProvisioner({ playbookFile: 'file', command: './program', secretVars: { password } })), program: { endpoint: { type: 'local' }, answers: standIn } },
  'ansible-local': unix(() => new AnsibleLocalProvisioner({ playbookFile: 'file', rolePaths: ['tree'], secretVars: { password }, environment: { PASSWORD: password } })),
  breakpoint: { ...anywhere(() => new BreakpointProvisioner({ note: 'Look.' })), inGuest: false },
  'chef-solo': unix(() => new ChefSoloProvisioner({ cookbookPaths: ['tree'], runList: ['x'], jsonString: text`{"password":"${password}"}` })),
  'cloud-init-wait': anywhere(() => new CloudInitWaitProvisioner({})),
  file: anywhere(() => new FileProvisioner({ source: 'file', destination: '/tmp/x' })),
  goss: unix(() => new GossProvisioner({ tests: ['file'], varsEnv: { PASSWORD: password } })),
  packages: unix(() => new PackagesProvisioner({ install: ['x'] })),
  powershell: windows(() => new PowershellProvisioner({ inline: ['exit 0'], startRetryTimeout: seconds, environment: { PASSWORD: password } })),
  'puppet-masterless': unix(() => new PuppetMasterlessProvisioner({ manifestFile: 'file', modulePaths: ['tree'], facter: { password } })),
  'puppet-server': unix(() => new PuppetServerProvisioner({ facter: { password } })),
  reboot: anywhere(() => new RebootProvisioner({ timeout: Duration.seconds(1) })),
  'salt-masterless': unix(() => new SaltMasterlessProvisioner({ localStateTree: 'tree' })),
  seal: unix(() => new SealProvisioner()),
  shell: unix(() => new ShellProvisioner({ inline: ['true'], startRetryTimeout: seconds, environment: { PASSWORD: password } })),
  'shell-local': { ...anywhere(() => new ShellLocalProvisioner({ inline: ['true'], environment: { PASSWORD: password } })), lasting: () => new ShellLocalProvisioner({ inline: ['sleep 60'] }), inGuest: false },
  sleep: { ...anywhere(() => new SleepProvisioner({ duration: Duration.milliseconds(1) })), lasting: () => new SleepProvisioner({ duration: Duration.seconds(60) }), inGuest: false },
  'windows-restart': windows(() => new WindowsRestartProvisioner({ restartTimeout: Duration.seconds(1) })),
  'windows-shell': windows(() => new WindowsShellProvisioner({ inline: ['exit 0'], startRetryTimeout: seconds, environment: { PASSWORD: password } })),
};

test('every provisioner is held to the contract', () => { expect(Object.keys(fixtures).sort()).toEqual(kindsOf('provisioner')); });
describe.each(Object.keys(fixtures))('%s keeps the contract of provisioners:', type => provisionerContract(fixtures[type]!));
