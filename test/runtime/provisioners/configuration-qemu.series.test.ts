/** Real Ansible, from here and inside, and real Puppet on a booted machine: minutes in software emulation. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { AnsibleLocalProvisioner, AnsibleProvisioner, FileProvisioner, ImageBuild, PuppetMasterlessProvisioner, QemuSource, ShellProvisioner, Size } from '../../../lib/index.js';
import { baseSystem } from '../../support/base.js';
import { packagesTar } from '../../support/installed-packages.js';
import { requires } from '../../support/machine.js';
import { outputOf, program } from '../../support/program.js';

const files: { readonly [path: string]: string } = {
  'play/site.yml': '- hosts: web\n  roles: [page]\n',
  'play/roles/page/tasks/main.yml': '- copy: { content: "{{ words }} on {{ ansible_distribution }}\\n", dest: "/{{ words }}", mode: "0640" }\n- service_facts:\n- assert: { that: "\'ssh.service\' in ansible_facts.services" }\n',
  'site.pp': 'include web\n', 'modules/web/manifests/init.pp': 'class web { file { "/by-puppet": content => "by puppet on ${facts[\'os\'][\'name\']} ${facts[\'greeting\']}\\n" } }\n',
};

requires('qemu', 'base', 'ansible', 'puppet', 'zstd')('a booted machine', () => {
  test('is set up by the Ansible of this computer, by one inside, and by Puppet', async () => {
    const { disk } = await baseSystem();
    const p = await program((app, folder) => {
      for (const [path, text] of Object.entries(files)) { mkdirSync(join(folder, dirname(path)), { recursive: true }); writeFileSync(join(folder, path), text); }
      packagesTar(join(folder, 'tools.tar.zst'), 'ansible-core', 'puppet-agent');
      new ImageBuild(app, 'web', {
        sources: [new QemuSource({ diskImage: disk, memory: Size.mib(1536), outputDirectory: 'out' })],
        provisioners: [
          new FileProvisioner({ source: 'tools.tar.zst', destination: '/tmp/tools.tar.zst' }),
          new ShellProvisioner({ name: 'unpack', inline: ['tar -xf /tmp/tools.tar.zst -C / --keep-directory-symlink', 'rm /tmp/tools.tar.zst', 'ldconfig', 'mkdir -p /var/lib/puppet'] }),
          new AnsibleProvisioner({ playbookFile: 'play/site.yml', directory: 'play', groups: ['web'], extraVars: { words: 'from-here' } }),
          new AnsibleLocalProvisioner({ playbookFile: 'play/site.yml', playbookDir: 'play', inventoryGroups: ['web'], extraVars: { words: 'inside' } }),
          new PuppetMasterlessProvisioner({ manifestFile: 'site.pp', modulePaths: ['modules'], facter: { greeting: 'hello' } }),
          new ShellProvisioner({ name: 'look', inline: ['cat /from-here /inside /by-puppet', 'stat -c %a /from-here', 'ls -A /tmp | grep bake- || echo nothing left'] }),
        ],
      });
    });
    const { targets: [target] } = await p.run();
    expect(target!.error, outputOf(p.events)).toBeUndefined();
    expect(outputOf(p.events)).toContain('from-here on Debian\ninside on Debian\nby puppet on Debian hello\n640\nnothing left\n');
  });
});
