import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AnsibleProvisioner, type AnsibleProvisionerProps, DockerSource, ImageBuild, NullSource, Secret, ShellProvisioner } from '../../../lib/index.js';
import { baseImage } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { outputOf, program, type TestProgram } from '../../support/program.js';
import { startSshd, type TestSshd } from '../../support/sshd.js';

const files: { readonly [path: string]: string } = {
  'ansible/site.yml': '- hosts: all\n  gather_facts: false\n  roles: [web]\n',
  'ansible/roles/web/tasks/main.yml': `- template: { src: page.j2, dest: "{{ target }}/page", mode: "0640" }
- command: cat {{ target }}/page
  register: page
  changed_when: false
- debug: { msg: "{{ page.stdout }}" }
`,
  'ansible/roles/web/templates/page.j2': '{{ greeting }} from {{ inventory_hostname }} in {{ group_names | join("+") }}{{ note | default("") }} {{ token | default("") | hash("sha1") }}\n',
  'ansible/group_vars/web.yml': 'note: " with group vars"\n',
  'ansible/fails.yml': '- hosts: all\n  gather_facts: false\n  tasks: [{ fail: { msg: "on purpose" } }]\n',
};

requires('ansible', 'sshd', 'ssh')('ansible', () => {
  let sshd: TestSshd, target: string;
  beforeAll(async () => { sshd = await startSshd(); target = mkdtempSync(join(tmpdir(), 'bake-ansible-')); });
  afterAll(async () => { await sshd[Symbol.asyncDispose](); rmSync(target, { recursive: true, force: true }); });
  const build = (props: Partial<AnsibleProvisionerProps>, source: ConstructorParameters<typeof NullSource>[0] = { ssh: { host: sshd.host, port: sshd.port, username: sshd.user, privateKeyFile: 'key', hostKey: sshd.hostKey.publicKey } }): Promise<TestProgram> => program((app, folder) => {
    for (const [path, text] of Object.entries(files)) { mkdirSync(join(folder, dirname(path)), { recursive: true }); writeFileSync(join(folder, path), text); }
    writeFileSync(join(folder, 'key'), sshd.key.privateKey, { mode: 0o600 });
    new ImageBuild(app, 'web', { sources: [new NullSource(source)], provisioners: [new AnsibleProvisioner({ playbookFile: 'ansible/site.yml', directory: 'ansible', extraVars: { target, greeting: 'hello' }, ...props })] });
  });
  const run = async (p: TestProgram): Promise<string> => {
    const result = await p.run();
    expect(result.targets[0]!.error, outputOf(p.events)).toBeUndefined();
    return outputOf(p.events);
  };

  test('runs a playbook with its roles over SSH; groups, variables and secrets arrive, and nothing is left running', async () => {
    process.env['BAKE_TEST_TOKEN'] = `it's "s3cret"`;
    try {
      const p = await build({ groups: ['web', 'eu'], secretVars: { token: Secret.env('BAKE_TEST_TOKEN') }, extraArguments: ['-v'] });
      const out = await run(p);
      expect(out).toContain('hello from default in eu+web with group vars');
      expect(readFileSync(join(target, 'page'), 'utf8')).toBe(`hello from default in eu+web with group vars ${execFileSync('sha1sum', { input: `it's "s3cret"` }).toString().slice(0, 40)}\n`);
      expect(JSON.stringify(p.events)).not.toContain('s3cret');
    } finally { delete process.env['BAKE_TEST_TOKEN']; }
    const ports = execFileSync('sh', ['-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    expect(ports).not.toContain(`Port=${sshd.port}`);
  });

  test('a task that fails fails the step, with its message', async () => {
    const p = await build({ playbookFile: 'ansible/fails.yml' });
    const result = await p.run();
    expect(result.targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'PROGRAM_FAILED', message: expect.stringMatching(/^ansible-playbook fails\.yml ended with code 2\. It said:\n.*on purpose/s) as string } });
  });

  test('another host key is refused: there is no proxy in between', async () => {
    const p = await build({ sshExtraArgs: ['-o', 'UserKnownHostsFile=/dev/null'] });
    expect((await p.run()).targets[0]).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('Host key verification failed') as string } });
  });

  describe('the inventory', () => {
    test('can lie beside the user\'s own variables, and is gone afterwards', async () => {
      const p = await build({ inventoryDirectory: 'ansible', groups: ['web'], hostAlias: 'web-1', hostVars: { note: ' with host vars' } });
      expect(await run(p)).toContain('hello from web-1 in web with host vars');
      expect(readdirSync(join(p.folder, 'ansible')).filter(name => name.startsWith('inventory'))).toEqual([]);
    });
    test('can be written by a template, and kept', async () => {
      const template = `{{ .HostAlias }} ansible_host={{ .Host }} ansible_port={{ .Port }} ansible_user={{ .User }} ansible_ssh_private_key_file=PLACE/key ansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'`;
      const p = await program((app, folder) => {
        for (const [path, text] of Object.entries(files)) { mkdirSync(join(folder, dirname(path)), { recursive: true }); writeFileSync(join(folder, path), text); }
        writeFileSync(join(folder, 'key'), sshd.key.privateKey, { mode: 0o600 });
        new ImageBuild(app, 'web', {
          sources: [new NullSource({ ssh: { host: sshd.host, port: sshd.port, username: sshd.user, privateKeyFile: 'key' } })],
          provisioners: [new AnsibleProvisioner({ playbookFile: 'ansible/site.yml', directory: 'ansible', extraVars: { target, greeting: 'hi' }, inventoryFileTemplate: template.replace('PLACE', folder), groups: ['web'], emptyGroups: ['none'], keepInventoryFile: true })],
        });
      });
      expect(await run(p)).toContain('hi from default in web');
    });
  });

  test('runs on this computer where the steps do', async () => {
    expect(await run(await build({}, { communicator: 'local' }))).toContain('hello from default in ungrouped');
  });

  test('a plan that has moved with its files finds the playbook in its folder', async () => {
    const p = await build({}), moved = mkdtempSync(join(tmpdir(), 'bake-moved-'));
    try {
      cpSync(join(p.folder, 'ansible'), join(moved, 'folder'), { recursive: true });
      const { default: driver } = await import('../../../lib/runtime/provisioners/ansible.js');
      const { driverContext } = await import('../../support/driver-context.js');
      const { localCommunicator } = await import('../../../lib/runtime/communicators/local.js');
      const it = await driverContext();
      cpSync(join(p.folder, 'ansible/site.yml'), join(moved, 'site.yml'));
      await driver.run({ playbookFile: join(moved, 'site.yml'), directory: join(moved, 'folder/'), command: 'ansible-playbook', galaxyCommand: 'ansible-galaxy', hostAlias: 'default', keepInventoryFile: false, galaxyForceInstall: false, galaxyForceWithDeps: false, extraVars: { target, greeting: 'moved' } }, localCommunicator(), it.ctx);
      expect(it.said.join('')).toContain('moved from default');
      await it.end();
      expect(existsSync(join(moved, 'folder/site.yml'))).toBe(true);
    } finally { rmSync(moved, { recursive: true, force: true }); }
  });

  test('roles are installed first, into a folder of the run', async () => {
    const role = mkdtempSync(join(tmpdir(), 'bake-role-'));
    try {
      mkdirSync(join(role, 'greet/tasks'), { recursive: true });
      mkdirSync(join(role, 'greet/meta'));
      writeFileSync(join(role, 'greet/tasks/main.yml'), '- debug: { msg: "from the installed role" }\n');
      writeFileSync(join(role, 'greet/meta/main.yml'), 'galaxy_info: { author: x, description: x, license: x, min_ansible_version: "2.9" }\ndependencies: []\n');
      execFileSync('tar', ['-czf', join(role, 'greet.tar.gz'), '-C', role, 'greet']);
      const p = await program((app, folder) => {
        writeFileSync(join(folder, 'site.yml'), '- hosts: all\n  gather_facts: false\n  roles: [greet]\n');
        writeFileSync(join(folder, 'requirements.yml'), `roles:\n  - src: file://${role}/greet.tar.gz\n    name: greet\n`);
        new ImageBuild(app, 'web', { sources: [new NullSource({ communicator: 'local' })], provisioners: [new AnsibleProvisioner({ playbookFile: 'site.yml', galaxyFile: 'requirements.yml' })] });
      });
      expect(await run(p)).toContain('from the installed role');
    } finally { rmSync(role, { recursive: true, force: true }); }
  });
});

test('a program that is not there is found before the build', async () => {
  const { default: driver } = await import('../../../lib/runtime/provisioners/ansible.js');
  expect(await driver.preflight({ command: 'no-such-ansible', galaxyCommand: 'ansible-galaxy' } as never, { programFolder: '/' } as never)).toMatchObject([{ code: 'PROGRAM_MISSING', field: 'command', remedy: expect.stringContaining('apt-get install ansible') as string }]);
});

requires('ansible', 'docker', 'docker-cli', 'base')('ansible in a container', () => {
  let image: string;
  beforeAll(async () => { image = await baseImage(); });
  test('needs no SSH there', async () => {
    const p = await program((app, folder) => {
      // Without Python in the container: `raw` needs none.
      writeFileSync(join(folder, 'site.yml'), '- hosts: all\n  gather_facts: false\n  tasks:\n    - raw: "echo from $(. /etc/os-release; echo $ID) >/made"\n    - raw: cat /made\n      register: made\n    - debug: { msg: "{{ made.stdout }}" }\n');
      new ImageBuild(app, 'web', { sources: [new DockerSource({ image, discard: true })], provisioners: [new AnsibleProvisioner({ playbookFile: 'site.yml' })] });
    });
    const result = await p.run();
    expect(result.targets[0]!.error, outputOf(p.events)).toBeUndefined();
    expect(outputOf(p.events)).toContain('from debian');
  });
  test('is given modules of a collection that was installed first, groups and variables; and leaves nothing there', async () => {
    const p = await program((app, folder) => {
      // A collection as ansible-galaxy takes it, made here: there is no galaxy to ask.
      mkdirSync(join(folder, 'acme/tools/roles/greet/tasks'), { recursive: true });
      writeFileSync(join(folder, 'acme/tools/galaxy.yml'), 'namespace: acme\nname: tools\nversion: 1.0.0\nreadme: README.md\nauthors: [x]\n');
      writeFileSync(join(folder, 'acme/tools/README.md'), 'x');
      writeFileSync(join(folder, 'acme/tools/roles/greet/tasks/main.yml'), '- copy: { content: "{{ words }} {{ port }} in {{ group_names | join(\'+\') }}, {{ groups.none | length }} in none\\n", dest: /made, mode: "0640" }\n');
      execFileSync('ansible-galaxy', ['collection', 'build', join(folder, 'acme/tools'), '--output-path', folder], { stdio: 'ignore' });
      writeFileSync(join(folder, 'requirements.yml'), `collections:\n  - name: ${folder}/acme-tools-1.0.0.tar.gz\n    type: file\n`);
      writeFileSync(join(folder, 'site.yml'), '- hosts: web\n  gather_facts: false\n  roles: [acme.tools.greet]\n');
      new ImageBuild(app, 'web', {
        // Ansible's modules need a Python there: this computer's is of the same release.
        sources: [new DockerSource({ image, discard: true, volumes: { '/usr': '/usr:ro' } })],
        provisioners: [
          new AnsibleProvisioner({ playbookFile: 'site.yml', galaxyFile: 'requirements.yml', galaxyForceInstall: true, groups: ['web', 'eu'], emptyGroups: ['none'], hostAlias: 'web-1', hostVars: { port: 8080 }, extraArguments: ['-e', 'words=hello'] }),
          new ShellProvisioner({ inline: ['cat /made; stat -c %a /made; ls -A ~/.ansible/tmp 2>/dev/null | wc -l'] }),
        ],
      });
    });
    const result = await p.run();
    expect(result.targets[0]!.error, outputOf(p.events)).toBeUndefined();
    expect(outputOf(p.events)).toContain('hello 8080 in eu+web, 0 in none\n640\n0\n');
  });
});
