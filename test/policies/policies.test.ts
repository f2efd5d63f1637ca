import { describe, expect, test } from 'vitest';
import { AmazonEbsSource, App, DockerSource, Duration, ImageBuild, NullSource, type Policy, Secret, ShellLocalProvisioner, ShellProvisioner, text, Variable } from '../../lib/index.js';
import { PackerDockerSource, PackerQemuSource } from '../../lib/packer/index.js';
import { allPolicies, curlPipeShell, httpWithoutChecksum, missingTimeout, secretInInlineText, sshPasswordLogin, unpinnedBase } from '../../lib/policies/index.js';
import { trySynth } from '../../lib/synth/synth.js';

type Parts = { sources?: any[]; provisioners?: any[]; timeout?: Duration };
/** Findings of a policy for a build of these parts. */
const found = (policy: Policy, parts: Parts | ((app: App) => Parts), prepare?: (build: ImageBuild<any>) => void) => {
  const app = new App().addPolicy(policy), { sources = [new NullSource({})], ...rest } = typeof parts === 'function' ? parts(app) : parts;
  const build = new ImageBuild(app, 'web', { sources, ...rest } as never);
  prepare?.(build as never);
  const { plan, problems } = trySynth(app);
  return { findings: problems.filter(p => p.code === `POLICY ${policy.id}`).map(p => `${p.severity} ${p.path}${p.field === undefined ? '' : `, ${p.field}`}: ${p.message}`), acknowledged: plan.acknowledged };
};
const shell = (...inline: any[]): Parts => ({ provisioners: [new ShellProvisioner({ inline })] });
const dockerOf = (image: any): Parts => ({ sources: [new DockerSource({ image, commit: true })] });
const digest = `debian@sha256:${'0'.repeat(64)}`;
const ami = (props: object): Parts => ({ sources: [new AmazonEbsSource({ region: 'eu-central-1', instanceType: 't3.small', amiName: 'x', ssh: { username: 'admin' }, ...props } as never)] });
const filter = { filters: { name: 'debian-12-*' }, owners: ['136693071363'] };
/** What Packer's own builder downloads: the same rules hold for components in Packer's options. */
const iso = (props: object): Parts => ({ sources: [new PackerQemuSource({ options: props, ...props } as never)] });

describe.each<[string, () => Policy, { bad: [string, Parts | ((app: App) => Parts), string][]; good: [string, Parts | ((app: App) => Parts)][] }]>([
  ['unpinned-base', unpinnedBase, {
    bad: [
      ['an image by a tag', dockerOf('debian:12'), `error web/docker, image: 'debian:12' may be another image tomorrow`],
      ['an image without a tag', dockerOf('registry.example.com:5000/debian'), `error web/docker, image: 'registry.example.com:5000/debian' may be another image tomorrow`],
      ['an image in a variable', app => dockerOf(text`debian:${new Variable(app, 'release', { default: 'trixie' })}`), `error web/docker, image: 'debian:trixie' may be another image tomorrow`],
      ['an image in Packer’s own options', { sources: [new PackerDockerSource({ image: 'debian:12' } as never)] }, `error web/docker, image: 'debian:12' may be another image tomorrow`],
      ['the newest AMI', ami({ sourceAmiFilter: { ...filter, mostRecent: true } }), 'error web/amazon-ebs, sourceAmiFilter.mostRecent: the newest image that the filter finds may be another one tomorrow'],
    ],
    good: [['an image by its digest', dockerOf(digest)], ['an image by its id', dockerOf('0'.repeat(64))], ['an AMI by its id', ami({ sourceAmi: 'ami-1' })], ['a filter that must find one', ami({ sourceAmiFilter: filter })]],
  }],
  ['http-without-checksum', httpWithoutChecksum, {
    bad: [
      ['an installer', iso({ isoUrl: 'http://example.com/x.iso' }), 'error web/qemu, isoUrl: http://example.com/x.iso is downloaded, and what comes is not checked'],
      ['an installer whose checksum is none', iso({ isoUrl: 'https://example.com/x.iso', isoChecksum: 'none' }), 'error web/qemu, isoUrl: https://example.com/x.iso is downloaded, and what comes is not checked'],
      ['a list of checksums over plain HTTP', iso({ isoUrl: 'http://example.com/x.iso', isoChecksum: 'file:http://example.com/SHA256SUMS' }), 'error web/qemu, isoUrl: http://example.com/x.iso is downloaded, and what comes is not checked'],
    ],
    good: [['one with a checksum', iso({ isoUrl: 'http://example.com/x.iso', isoChecksum: 'sha256:00' })], ['one with a list over HTTPS', iso({ isoUrl: 'https://example.com/x.iso', isoChecksum: 'file:https://example.com/SHA256SUMS' })], ['a local file', iso({ isoUrl: 'x.iso' })]],
  }],
  ['secret-in-inline-text', secretInInlineText, {
    bad: [
      ['a password in an assignment', shell('apt-get update', 'export DB_PASSWORD=correct-horse'), 'error web/shell, inline[1]: this looks like a secret, written out'],
      ['a password as an argument', shell('mysql --password hunter2x -e "…"'), 'error web/shell, inline[0]: this looks like a secret, written out'],
      ['a token in JSON', shell(`echo '{"auth_token": "abcdef0123"}' > /etc/x`), 'error web/shell, inline[0]: this looks like a secret, written out'],
      ['an AWS key', shell('aws configure set x AKIAIOSFODNN7EXAMPLE'), 'error web/shell, inline[0]: this looks like an AWS access key, written out'],
      ['a private key', shell('cat > /k <<EOF\n-----BEGIN OPENSSH PRIVATE KEY-----\nx'), 'error web/shell, inline[0]: this looks like a private key, written out'],
      ['a GitHub token', shell(`git clone https://x:ghp_${'a'.repeat(36)}@github.com/x`), 'error web/shell, inline[0]: this looks like a GitHub token, written out'],
      ['a password in an address', shell('curl https://admin:hunter2@example.com/x'), 'error web/shell, inline[0]: this looks like a password in an address, written out'],
      ['a bearer token', shell('curl -H "Authorization: Bearer abcdefghij0123456789" x'), 'error web/shell, inline[0]: this looks like a bearer token, written out'],
      ['a value of an environment', { provisioners: [new ShellProvisioner({ inline: ['x'], environment: { API_TOKEN: 'abc123' } })] }, 'error web/shell, environment.API_TOKEN: this looks like a secret, written out'],
      ['the default of a variable', app => shell(text`export TOKEN=${new Variable(app, 'token', { default: 'abcdef123' })}`), 'error web/shell, inline[0]: this looks like a secret, written out'],
    ],
    good: [
      ['a reference', shell('export DB_PASSWORD="$GIVEN"', 'mysql --password="$(cat /run/p)"', 'curl -u "x:$TOKEN" https://x/', 'curl -H "Authorization: Bearer $TOKEN" x', 'curl https://user:$PASS@example.com')],
      ['a secret in its place', { provisioners: [new ShellProvisioner({ inline: ['x'], environment: { API_TOKEN: Secret.env('T'), B: text`x${Secret.env('U')}` } })] }],
      ['a sensitive variable', app => shell(text`export TOKEN=${new Variable(app, 'token', { default: 'abcdef123', sensitive: true })}`)],
      ['words about passwords', shell('passwd -l root', 'sed -i s/^PasswordAuthentication.*/PasswordAuthentication no/ /etc/ssh/sshd_config', 'chage -M 90 admin # password policy', 'echo PermitRootLogin prohibit-password', 'rm -f /etc/token', 'systemctl enable secret-agent')],
    ],
  }],
  ['curl-pipe-shell', curlPipeShell, {
    bad: [
      ['into sh', shell('curl -fsSL https://example.com/i.sh | sh'), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
      ['into sudo bash', shell('true', 'wget -qO- https://x | sudo -E bash -s -- --yes'), 'error web/shell, inline[1]: a program from the web is run as it comes, unchecked'],
      ['over two lines', shell('curl https://x \\\n  | bash'), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
      ['in a substitution', shell('sh -c "$(curl -fsSL https://x)"'), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
      ['as a file', shell('bash <(curl -s https://x)'), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
      ['into python', shell('curl https://x | python3 -'), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
      ['in PowerShell', shell(`iex ((New-Object Net.WebClient).DownloadString('https://x'))`), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
      ['on this computer', { provisioners: [new ShellLocalProvisioner({ command: 'curl https://x | sh' })] }, 'error web/shell-local, command: a program from the web is run as it comes, unchecked'],
      ['with an address known later', app => shell(text`curl ${new Variable(app, 'u', { default: 'https://x' })} | sh`), 'error web/shell, inline[0]: a program from the web is run as it comes, unchecked'],
    ],
    good: [['a download that is checked', shell('curl -o i.sh https://x', 'echo "… i.sh" | sha256sum -c', 'sh i.sh')], ['a pipe into something else', shell('curl https://x | tar -xz', 'curl https://x | sha256sum', 'curl https://x | tee /etc/x.sh', 'cat x | sh')]],
  }],
  ['ssh-password-login', sshPasswordLogin, {
    bad: [
      ['in ssh', ami({ sourceAmi: 'ami-1', ssh: { username: 'admin', password: Secret.env('P') } }), 'error web/amazon-ebs, ssh.password: the machine is logged in to with a password'],
      ['in Packer’s own options', { sources: [new PackerQemuSource({ sshUsername: 'x', sshPassword: Secret.env('P') } as never)] }, 'error web/qemu, sshPassword: the machine is logged in to with a password'],
    ],
    good: [['a key', ami({ sourceAmi: 'ami-1' })], ['a password of a registry', { sources: [new DockerSource({ image: digest, commit: true })] }]],
  }],
  ['missing-timeout', missingTimeout, {
    bad: [['a step', shell('x'), 'error web/shell: this step has no time limit, and neither has its build']],
    good: [['a step with one', { provisioners: [new ShellProvisioner({ inline: ['x'], timeout: Duration.minutes(5) })] }], ['a build with one', { ...shell('x'), timeout: Duration.hours(1) }], ['no steps', {}]],
  }],
])('%s', (id, policy, { bad, good }) => {
  test('is called so', () => { expect(policy().id).toBe(id); });
  test.each(bad)('finds %s', (_, parts, finding) => { expect(found(policy(), parts).findings).toEqual([finding]); });
  test.each(good)('has nothing against %s', (_, parts) => { expect(found(policy(), parts).findings).toEqual([]); });

  test('can be accepted with a reason, which stands in the plan', () => {
    const [, parts, finding] = bad[0]!;
    expect(found(policy(), parts, build => { build.acknowledge(id, 'Looked at by the team'); })).toEqual({ findings: [finding.replace(/^error/, 'info')], acknowledged: [{ policy: id, path: 'web', reason: 'Looked at by the team' }] });
  });

  test('is a warning where that is wanted', () => {
    expect(found({ ...policy(), ...allPolicies({ severity: 'warning' }).find(p => p.id === id)! }, bad[0]![1]).findings).toEqual([bad[0]![2].replace(/^error/, 'warning')]);
  });
});

test('a tag other than latest counts as pinned where that is wanted', () => {
  const policy = unpinnedBase({ allowTags: true });
  expect([dockerOf('debian:12'), dockerOf('debian:latest'), dockerOf('debian')].map(parts => found(policy, parts).findings.length)).toEqual([0, 1, 1]);
});

test('a finding never repeats the secret that it found', () => {
  const app = new App().addPolicy(...allPolicies());
  new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: [new ShellProvisioner({ inline: ['export TOKEN=correct-horse-battery'], timeout: Duration.minutes(1) })] });
  const { problems } = trySynth(app);
  expect(problems).toHaveLength(1);
  expect(JSON.stringify(problems)).not.toContain('correct-horse');
});
