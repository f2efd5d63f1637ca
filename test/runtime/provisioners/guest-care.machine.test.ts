import { beforeAll, expect, test } from 'vitest';
import { DockerSource, ImageBuild, PackagesProvisioner, type ProvisionerFor, SealProvisioner, ShellProvisioner } from '../../../lib/index.js';
import { baseImage } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { outputOf, program } from '../../support/program.js';

requires('docker', 'base')('in a Debian container', () => {
  let image: string;
  beforeAll(async () => { image = await baseImage(); });
  const build = async (...provisioners: readonly ProvisionerFor<never>[]): Promise<string> => {
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new DockerSource({ image, discard: true })], provisioners }); });
    const result = await p.run();
    expect(result.targets[0]!.error).toBeUndefined();
    return outputOf(p.events);
  };

  test('packages are installed and removed by apt, and neither lists nor downloads stay', async () => {
    // A source of packages in the container itself: a mirror may be away.
    const repository = new ShellProvisioner({
      inline: [
        'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*', 'mkdir -p /repo /work/one/DEBIAN /work/two/DEBIAN',
        `for p in one two; do
  { printf 'Package: bake-%s\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y.z>\n' $p; [ $p = two ] || echo 'Recommends: bake-two'; echo 'Description: test'; } >/work/$p/DEBIAN/control
  dpkg-deb -b /work/$p /repo/bake-$p.deb
  { dpkg-deb -f /repo/bake-$p.deb; echo "Filename: ./bake-$p.deb"; echo "Size: $(stat -c %s /repo/bake-$p.deb)"; echo "SHA256: $(sha256sum </repo/bake-$p.deb | cut -d' ' -f1)"; echo; } >>/repo/Packages
done`,
        `echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list`,
      ],
    });
    const out = await build(
      repository, new PackagesProvisioner({ install: ['bake-one'] }), new ShellProvisioner({ inline: [`echo "have: $(dpkg-query -W -f '\${Package} \${db:Status-Abbrev}' 'bake-*')"`, 'echo "lists: $(ls /var/lib/apt/lists | wc -l)"'] }),
      new PackagesProvisioner({ install: ['bake-two'], remove: ['bake-one'], clean: false }), new ShellProvisioner({ inline: [`echo "then: $(dpkg-query -W -f '\${Package} \${db:Status-Abbrev}' 'bake-*')"`] }),
    );
    expect(out).toContain('have: bake-one ii bake-two un \nlists: 0\n');
    expect(out).toContain('then: bake-two ii');
  });

  test('sealing removes what makes it this machine, and leaves the rest', async () => {
    const out = await build(
      new ShellProvisioner({
        inline: [
          'mkdir -p /etc/ssh /var/log/sub /var/lib/dhcp /root/keep', 'echo key >/etc/ssh/ssh_host_ed25519_key; echo key >/etc/ssh/ssh_host_ed25519_key.pub; echo port >/etc/ssh/sshd_config',
          'echo 0123 >/etc/machine-id; echo secret >/var/log/sub/app.log; chmod 640 /var/log/sub/app.log; echo old >/var/log/app.log.1', 'echo ls >/root/.bash_history; echo mine >/root/keep/.profile; touch /tmp/left /var/tmp/left; echo lease >/var/lib/dhcp/x.leases',
        ],
      }),
      new SealProvisioner(),
      new ShellProvisioner({
        inline: [
          'ls -d /etc/ssh/sshd_config /etc/ssh/*_key* 2>/dev/null || true', 'echo "id: $(wc -c </etc/machine-id)"', `echo "log: $(stat -c '%s %a' /var/log/sub/app.log) $(ls /var/log | grep -c '\\.1$' || true)"`,
          'ls -A /root | grep -c history || true', 'cat /root/keep/.profile', 'echo "tmp: $(ls -A /tmp /var/tmp | grep -c left || true)"', 'ls /var/lib/dhcp | wc -l',
        ],
      }),
    );
    expect(out).toBe('/etc/ssh/sshd_config\nid: 0\nlog: 0 640 0\n0\nmine\ntmp: 0\n0\n');
  });

  test('sealing leaves what it is told to', async () => {
    const out = await build(
      new ShellProvisioner({ inline: ['mkdir -p /etc/ssh', 'echo key >/etc/ssh/ssh_host_x_key', 'echo 0123 >/etc/machine-id'] }), new SealProvisioner({ hostKeys: false, machineId: false }),
      new ShellProvisioner({ inline: ['cat /etc/ssh/ssh_host_x_key /etc/machine-id'] }),
    );
    expect(out).toBe('key\n0123\n');
  });
});
