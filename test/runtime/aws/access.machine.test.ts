/** How instances are reached: Windows by WinRM with the password that EC2 made, and kept ones from another process. */
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { AmazonEbsSource, Duration, ImageBuild } from '../../../lib/index.js';
import { runProgram } from '../../contracts/ec2.js';
import { ebsProps } from '../../contracts/ec2-props.js';
import { bakeFile, projectFolder } from '../../support/command-lines.js';
import { freePort } from '../../support/ec2-server/guests.js';
import { type Ec2Server, startEc2 } from '../../support/ec2-server/server.js';
import { strictEc2 } from '../../support/ec2-server/strict.js';
import { GuestCommand } from '../../support/guest-command.js';
import { requires } from '../../support/machine.js';
import { program } from '../../support/program.js';
import { startWinrmServer } from '../../support/winrm/server.js';

/** `bake ssh`, which is given some input. */
function enter(folder: string, run: string, input: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, ['--import', 'tsx', bakeFile, 'ssh', run, '--folder', folder], { timeout: 60_000, cwd: projectFolder }, (_error, stdout, stderr) => resolve({ stdout, stderr }));
    child.stdin!.end(input);
  });
}

const before = { ...process.env }, username = 'Administrator', password = 'Made-up by EC2 ;-)';

requires('pyspnego')('a Windows instance', () => {
  let server: Ec2Server, port: number;
  beforeAll(async () => {
    port = await freePort();
    server = await startEc2({
      speed: 1000,
      guests: { port, async start() { const guest = await startWinrmServer({ user: username, password, auth: ['ntlm'] }); return { host: '127.0.0.1', port: guest.port, stop: async () => guest[Symbol.asyncDispose]() }; } },
    });
    Object.assign(process.env, server.environment);
  });
  afterAll(async () => { process.env = before; await server?.[Symbol.asyncDispose](); });
  beforeEach(() => { server.world.windowsPassword = password; });
  const { ssh: _ssh, ...props } = ebsProps(0);
  const build = (more: object = {}) => program(app => new ImageBuild(app, 'web', { sources: [new AmazonEbsSource({ ...props, winrm: { username, port, timeout: Duration.minutes(1) }, name: 'amazon-ebs', ...more })], provisioners: [new GuestCommand('whoami')] }));

  it('is reached by WinRM, with the password that EC2 made and tells when Windows has it', async () => {
    const p = await build(), result = await runProgram(p);
    expect([result.problems, result.targets[0]?.error]).toEqual([[], undefined]);
    expect(server.front.calls.filter(c => c.action === 'ec2:GetPasswordData' && c.input['DryRun'] !== true).length).toBeGreaterThan(0);
    expect(server.front.calls.find(c => c.action === 'ec2:AuthorizeSecurityGroupIngress')!.input).toMatchObject({ IpPermissions: [{ FromPort: port }] });
    expect(JSON.stringify([result, p.events])).not.toContain(password);
    expect(server.world.inventory().filter(what => !/image|snapshot/.test(what))).toEqual([]);
  });

  it('that never tells one is given up, with what is missing', async () => {
    server.world.windowsPassword = undefined;
    const result = await runProgram(await build({ amiName: 'other', windowsPasswordTimeout: Duration.seconds(1), polling: undefined }));
    expect(result.targets[0]!.error).toMatchObject({ code: 'AWS_TOO_SLOW', message: expect.stringMatching(/^The password of i-\w+ was not known within .* The last state was not known yet: Windows makes it at its first boot\.$/) });
  });
});

requires('sshd')('an instance that was kept', () => {
  it('is entered with its key, which is pinned, from another process', async () => {
    const ec2 = await strictEc2();
    try {
      const p = await program(app => new ImageBuild(app, 'web', { sources: [new AmazonEbsSource(ebsProps(ec2.port))], provisioners: [new GuestCommand('exit 3')] }));
      const result = await runProgram(p, { onFailure: 'keep' });
      expect(result.targets[0]!.outcome).toBe('kept');
      const { stdout, stderr } = await enter(p.folder, result.run, 'echo inside; exit\n');
      expect([stdout, stderr]).toEqual([expect.stringContaining('inside'), expect.not.stringContaining('authenticity')]);
    } finally { await ec2[Symbol.asyncDispose](); }
  });
});
