/** Real Ansible, Puppet, Salt and goss inside a container, and a stand-in for Chef: the container sees the programs of this computer, which is of the same release. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  AnsibleLocalProvisioner, ChefSoloProvisioner, DockerSource, GossProvisioner, ImageBuild, type ProvisionerFor, PuppetMasterlessProvisioner, PuppetServerProvisioner, SaltMasterlessProvisioner, Secret, ShellProvisioner,
} from '../../../lib/index.js';
import { baseImage } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { gossProgram, saltFolder } from '../../support/needs.js';
import { outputOf, program } from '../../support/program.js';

const inContainer = (mounts: { readonly [host: string]: string } = { '/usr': '/usr:ro' }) => {
  let image: string;
  beforeAll(async () => { image = await baseImage(); }, 600_000);
  const run = async (files: { readonly [path: string]: string }, provisioners: (folder: string) => readonly ProvisionerFor<never>[]) => {
    const p = await program((app, folder) => {
      for (const [path, text] of Object.entries(files)) { mkdirSync(join(folder, dirname(path)), { recursive: true }); writeFileSync(join(folder, path), text); }
      // What a step leaves in the guest is seen by the next.
      const steps = [...provisioners(folder), new ShellProvisioner({ name: 'look', inline: ['echo "left: $(ls -A /tmp | grep -v ^script_ | tr "\\n" " ")"'] })];
      new ImageBuild(app, 'web', { sources: [new DockerSource({ image, discard: true, volumes: mounts })], provisioners: steps });
    });
    const { targets: [target] } = await p.run();
    return { target: target!, said: outputOf(p.events), p };
  };
  return {
    /** What was printed. */
    build: async (files: { readonly [path: string]: string }, ...provisioners: readonly ProvisionerFor<never>[]): Promise<string> => {
      const { target, said } = await run(files, () => provisioners);
      expect(target.error, said).toBeUndefined();
      expect(said).toContain('left: \n');
      return said;
    },
    fails: async (files: { readonly [path: string]: string }, ...provisioners: readonly ProvisionerFor<never>[]) => {
      const { target, said } = await run(files, () => provisioners);
      expect(target.outcome, said).toBe('failed');
      return target.error!;
    },
  };
};

requires('ansible', 'docker', 'base')('ansible-local', () => {
  const { build, fails } = inContainer();
  const files = {
    'play/site.yml': '- hosts: web\n  gather_facts: false\n  roles: [page, other]\n',
    'play/roles/page/tasks/main.yml': '- template: { src: page.j2, dest: /page, mode: "0640" }\n- command: cat /page\n  register: page\n- debug: { msg: "{{ page.stdout }}" }\n',
    'play/roles/page/templates/page.j2': '{{ greeting }} from {{ inventory_hostname }} {{ packer_build_name }} {{ of_group }} {{ of_host }} {{ token | hash("sha1") }} {{ lookup("env", "MINE") }}',
    'given/other/tasks/main.yml': '- debug: { msg: "from the other role" }\n', 'vars/web.yml': 'of_group: group-value\n', 'hosts/127.0.0.1.yml': 'of_host: host-value\n',
    'second.yml': '- hosts: all\n  gather_facts: false\n  tasks: [{ debug: { msg: "second {{ inventory_hostname }}" } }]\n',
    'fails.yml': '- hosts: all\n  gather_facts: false\n  tasks: [{ fail: { msg: on purpose } }]\n',
  };
  test('runs playbooks with roles, variables and groups that were sent, and leaves nothing', async () => {
    process.env['BAKE_TEST_TOKEN'] = `it's "s3cret"`;
    try {
      const out = await build(files,
        new AnsibleLocalProvisioner({
          playbookDir: 'play', playbookFiles: ['play/site.yml', 'second.yml'], rolePaths: ['given/other'], groupVars: 'vars', hostVars: 'hosts', inventoryGroups: ['web'], extraArguments: ['-e', 'greeting=hi there'],
          secretVars: { token: Secret.env('BAKE_TEST_TOKEN') }, environment: { MINE: `it's mine` },
        }),
        new ShellProvisioner({ inline: ['stat -c %a /page', '[ ! -e ~/.ansible ]'] }));
      expect(out).toContain(`hi there from 127.0.0.1 web group-value host-value`.replace('hi there', 'hi'));
      expect(out).toContain('from the other role');
      expect(out).toContain('second 127.0.0.1');
      expect(out).toContain('640\n');
    } finally { delete process.env['BAKE_TEST_TOKEN']; }
  }, 180_000);
  test('a task that fails fails the step, with its message; a guest without Ansible is told', async () => {
    expect(await fails(files, new AnsibleLocalProvisioner({ playbookFile: 'fails.yml' }))).toMatchObject({ code: 'GUEST_PROGRAM_FAILED', message: expect.stringMatching(/^ansible-playbook fails.yml exited with 2 \(a task failed\)\. It said:\n[^]*on purpose/) as string });
    expect(await fails(files, new AnsibleLocalProvisioner({ playbookFile: 'fails.yml', command: 'no-such-ansible' }))).toMatchObject({ code: 'GUEST_PROGRAM_MISSING', remedy: expect.stringContaining('Install it in an earlier step') as string });
  }, 180_000);
});

requires('puppet', 'docker', 'base')('puppet', () => {
  const { build, fails } = inContainer();
  // As the package makes it.
  const home = new ShellProvisioner({ name: 'home', inline: ['mkdir -p /var/lib/puppet'] });
  const files = {
    'site.pp': 'class { "web": }\nnotify { "from ${facts[\'packer_build_name\']} ${facts[\'greeting\']}": }\n', 'modules/web/manifests/init.pp': 'class web { file { "/page": content => lookup("words"), mode => "0640" } }\n',
    'hiera.yaml': 'version: 5\nhierarchy: [{ name: all, path: all.yaml, datadir: words }]\n', 'words/all.yaml': 'words: "of hiera"\n',
    'fails.pp': 'exec { "/bin/false": }\n',
  };
  test('applies a manifest with modules, facts and hiera; changes made are a success', async () => {
    const step = (name: string) => new PuppetMasterlessProvisioner({ name, manifestFile: 'site.pp', modulePaths: ['modules'], hieraConfigPath: 'hiera.yaml', hieraData: ['words'], facter: { greeting: `it's "hello"` }, extraArguments: ['--no-report'] });
    const out = await build(files, home, step('once'), new ShellProvisioner({ inline: ['cat /page; stat -c " %a" /page'] }));
    expect(out).toContain(`from web it's "hello"`);
    expect(out).toContain('of hiera 640\n');
  }, 180_000);
  test('a resource that fails fails the step', async () => {
    expect(await fails(files, home, new PuppetMasterlessProvisioner({ manifestFile: 'fails.pp' }))).toMatchObject({ code: 'GUEST_PROGRAM_FAILED', message: expect.stringMatching(/^puppet apply fails.pp exited with 4 \(some resources failed\)/) as string });
  }, 180_000);
  test('an agent is run against its server; that none answers passes where exit codes do not count, with a warning', async () => {
    const server = { puppetServer: 'localhost', extraArguments: ['--serverport=1', '--http_connect_timeout=5', '--waitforcert=0', '--noop'], clientCertPath: 'certs' };
    expect(await build({ ...files, 'certs/a': '' }, home, new PuppetServerProvisioner({ ...server, ignoreExitCodes: true }))).toMatch(/localhost.*port 1|localhost:1/);
  }, 180_000);
});

requires('salt', 'docker', 'base')('salt-masterless', () => {
  const { build, fails } = inContainer({ '/usr': '/usr:ro', [saltFolder]: `${saltFolder}:ro` });
  const saltBinDir = join(saltFolder, 'bin');
  const files = {
    'states/top.sls': 'base:\n  "*": [page]\n', 'states/page.sls': '/page:\n  file.managed:\n    - contents: {{ pillar["words"] }} {{ grains["colour"] }}\n    - mode: "0640"\n', 'states/fails.sls': 'no:\n  cmd.run: [{ name: "false" }]\n',
    'pillar/top.sls': 'base:\n  "*": [words]\n', 'pillar/words.sls': 'words: from the pillar\n', 'grains': 'colour: blue\n', 'bootstrap.sh': 'echo "bootstrapped: $*"\n',
  };
  test('applies states with pillars and grains, installed by a bootstrap script where it is not there', async () => {
    const out = await build(files,
      new SaltMasterlessProvisioner({ localStateTree: 'states', localPillarRoots: 'pillar', grainsFile: 'grains', saltBinDir, bootstrapScript: 'bootstrap.sh', logLevel: 'warning' }),
      new ShellProvisioner({ inline: ['cat /page; stat -c %a /page; cat /etc/salt/grains; [ ! -e /srv/salt ]'] }));
    expect(out).toContain('from the pillar blue\n640\ncolour: blue\n');
    expect(out).not.toContain('bootstrapped');
  }, 180_000);
  test('a state that fails fails the step, unless it may', async () => {
    const step = { localStateTree: 'states', customState: 'fails', saltBinDir, skipBootstrap: true, logLevel: 'error' } as const;
    expect(await fails(files, new SaltMasterlessProvisioner(step))).toMatchObject({ code: 'GUEST_PROGRAM_FAILED', message: expect.stringContaining('salt-call state.sls fails exited with 1') as string });
    await build(files, new SaltMasterlessProvisioner({ ...step, noExitOnFailure: true, remoteStateTree: '/srv/states' }), new ShellProvisioner({ inline: ['cat /srv/states/top.sls'] }));
  }, 180_000);
});

requires('goss', 'docker', 'base')('goss', () => {
  const { build, fails } = inContainer({});
  const files = { 'goss.yaml': 'gossfile: { more/*.yaml: {} }\nfile: { /etc/passwd: { exists: true, mode: "{{ .Vars.mode }}" } }\n', 'more/command.yaml': 'command:\n  "echo $MINE":\n    exit-status: 0\n    stdout: ["it is mine"]\n', 'bad.yaml': 'file: { /nowhere: { exists: true } }\n' };
  test('passes where the tests do, with variables and environment', async () => {
    const out = await build(files, new GossProvisioner({ tests: ['goss.yaml', 'more'], binary: gossProgram, varsInline: { mode: '0644' }, varsEnv: { MINE: 'it is mine' }, format: 'documentation' }));
    expect(out).toContain('Failed: 0');
  }, 180_000);
  test('fails where a test does, unless it only looks', async () => {
    expect(await fails(files, new GossProvisioner({ tests: ['bad.yaml'], binary: gossProgram }))).toMatchObject({ message: expect.stringMatching(/^goss validate bad.yaml exited with 1 \(tests failed\)[^]*nowhere/) as string });
    await build(files, new GossProvisioner({ tests: ['bad.yaml'], binary: gossProgram, inspect: true }));
  }, 180_000);
});

/** Reads solo.rb as Ruby does, as far as it is made here; checks that all that it names is there; then does what the recipe's text says. */
const chefStandIn = `#!/bin/sh
echo "chef-solo stand-in: $*"
config= json=
while [ $# -gt 0 ]; do case $1 in -c) config=$2; shift;; -j) json=$2; shift;; --no-color) ;; *) echo "unknown option $1" >&2; exit 64;; esac; shift; done
[ -r "$config" ] && [ -r "$json" ] || { echo 'no config or json' >&2; exit 65; }
value() { sed -n "s/^$1 \\"\\(.*\\)\\"$/\\1/p" "$config"; }
[ "$(value chef_license)" = accept-silent ] || exit 66
for name in role_path data_bag_path encrypted_data_bag_secret environment_path; do [ -e "$(value $name)" ] || { echo "$name is not there" >&2; exit 67; }; done
[ -e "$(value environment_path)/$(value environment).json" ] || exit 68
[ "$(stat -c %a "$(value encrypted_data_bag_secret)")" = 600 ] || exit 69
cookbooks=$(sed -n 's/^cookbook_path \\[\\(.*\\)\\]$/\\1/p' "$config" | tr -d '",')
for recipe in $(sed -n 's/.*"recipe\\[\\([^]]*\\)\\]".*/\\1/p' "$json"); do
  for path in $cookbooks; do if [ -e "$path/$recipe/recipes/default.rb" ]; then . "$path/$recipe/recipes/default.rb"; found=1; fi; done
done
[ -n "$found" ] || { echo 'no recipe' >&2; exit 1; }
cat "$json"
`;
requires('docker', 'base')('chef-solo, against a stand-in', () => {
  const { build, fails } = inContainer({});
  const files = {
    'chef': chefStandIn, 'cookbooks/page/recipes/default.rb': 'echo from the recipe >/page\n', 'cookbooks/reboots/recipes/default.rb': 'exit 37\n', 'roles/web.json': '{}', 'bags/x/y.json': '{}', 'environments/blue.json': '{}', 'secret': 's3cret',
    'solo.erb': 'chef_license "accept-silent"\ncookbook_path [{{.CookbookPaths}}]\n',
  };
  const install = new ShellProvisioner({ name: 'chef', script: 'chef', executeCommand: 'install -m 755 {{.Path}} /usr/local/bin/chef-solo' });
  const props = { cookbookPaths: ['cookbooks'], rolesPath: 'roles', dataBagsPath: 'bags', environmentsPath: 'environments', chefEnvironment: 'blue', encryptedDataBagSecretPath: 'secret', json: { port: 8080 } } as const;
  test('is given solo.rb, attributes, run list and all folders, and they are gone afterwards', async () => {
    const out = await build(files, install, new ChefSoloProvisioner({ ...props, runList: ['recipe[page]'] }), new ShellProvisioner({ inline: ['cat /page'] }));
    expect(out).toMatch(/"port": 8080,\n\s*"run_list": \[\n\s*"recipe\[page\]"/);
    expect(out).toContain('from the recipe\n');
  }, 180_000);
  test('installs it first, by the user\'s own command', async () => {
    const out = await build(files, new ChefSoloProvisioner({ ...props, runList: ['recipe[page]'], version: '18', installCommand: '{{if .Sudo}}no{{end}}echo "installing {{.Version}}"; cat >/usr/local/bin/chef-solo <<\'END\'\n' + chefStandIn + 'END\nchmod 755 /usr/local/bin/chef-solo' }));
    expect(out).toContain('installing 18\n');
  }, 180_000);
  test('what it exits with is what the step comes to', async () => {
    expect(await fails(files, install, new ChefSoloProvisioner({ ...props, runList: ['recipe[reboots]'] }))).toMatchObject({ code: 'GUEST_PROGRAM_FAILED', message: expect.stringContaining('chef-solo exited with 37 (a reboot is needed)') as string });
    expect(await fails(files, new ChefSoloProvisioner({ ...props, runList: ['recipe[page]'], skipInstall: true }))).toMatchObject({ code: 'GUEST_PROGRAM_MISSING' });
  }, 180_000);
});

describe('what is wrong with a template', () => {
  test('is found before the build', async () => {
    const { default: chef } = await import('../../../lib/runtime/provisioners/chef-solo.js');
    const { default: puppet } = await import('../../../lib/runtime/provisioners/puppet-masterless.js');
    expect(await chef.preflight({ executeCommand: 'chef {{.Config}}', jsonString: '[1]' } as never)).toMatchObject([{ code: 'TEMPLATE_UNKNOWN', field: 'executeCommand' }, { code: 'CHEF_JSON', field: 'jsonString', message: expect.not.stringContaining('[1]') as string }]);
    expect(await puppet.preflight({ executeCommand: '{{.Config}}' } as never)).toMatchObject([{ code: 'TEMPLATE_UNKNOWN' }]);
  });
});
