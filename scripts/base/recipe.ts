/** What the base system is made of: everything here is part of its key, so that a change makes a new one. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

export interface Recipe {
  /** Counted up when the same recipe makes something else. */
  readonly revision: number;
  /** `debian` or `ubuntu`: the host's own, so that its package sources and keys are the right ones. */
  readonly distribution: 'debian' | 'ubuntu';
  /** Release by code name: `bookworm`. */
  readonly release: string;
  readonly packages: readonly string[];
  readonly dpkgOptions: readonly string[];
  /** Shell, before the packages are installed and after; `$1` is the root of the new system. */
  readonly before: string;
  readonly after: string;
  /** UUID of the root file system, for the boot loader and fstab. */
  readonly rootUuid: string;
  /** Bytes of the disk as the guest sees it. The file is sparse. */
  readonly diskSize: number;
}

/** Root's password in the base system, which lies in the user's own cache: images made from it set their own. */
export const rootPassword = 'imagebake';

/**
 * The recipe for this computer's distribution; Debian 12 where it is neither Debian nor Ubuntu. Without cloud-init a key gets in as a systemd
 * credential (`-smbios type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root=<base64>`, systemd >= 252), and the guest boots in half the time.
 */
export function hostRecipe(options: { readonly cloudInit?: boolean } = {}): Recipe {
  const { id, codename } = hostRelease(), cloudInit = options.cloudInit ?? false;
  const rootUuid = 'b1a5e000-0000-4000-8000-1111a6eba4e0';
  return {
    revision: 2, distribution: id, release: codename, rootUuid, diskSize: 4 * 1024 ** 3,
    packages: [
      id === 'debian' ? 'linux-image-cloud-amd64' : 'linux-image-virtual', 'initramfs-tools', 'systemd-sysv', 'udev', 'dbus', 'kmod', 'iproute2', 'openssh-server',
      'qemu-guest-agent', 'util-linux-extra', 'e2fsprogs', 'procps', 'zstd', 'ca-certificates', ...(cloudInit ? ['cloud-init'] : []),
    ].filter(name => name !== 'util-linux-extra' || !['jammy', 'focal', 'bullseye'].includes(codename)),
    dpkgOptions: ['path-exclude=/usr/share/doc/*', 'path-exclude=/usr/share/locale/*', 'path-exclude=/usr/share/man/*', 'path-exclude=/usr/share/info/*'],
    // A small initrd boots seconds earlier in software emulation; these are the disks that QEMU can show a guest, and the way in for systemd's
    // credentials, which is a module on Ubuntu.
    before: `mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
printf 'MODULES=list\\nCOMPRESS=zstd\\n' > "$1/etc/initramfs-tools/conf.d/imagebake"
printf '%s\\n' virtio_pci virtio_blk virtio_scsi sd_mod ata_piix ahci nvme ext4 dmi-sysfs > "$1/usr/share/initramfs-tools/modules.d/imagebake"`,
    after: `set -e
printf '[Match]\\nName=e*\\n[Network]\\nDHCP=yes\\n' > "$1/etc/systemd/network/80-dhcp.network"
echo 'UUID=${rootUuid} / ext4 defaults,errors=remount-ro 0 1' > "$1/etc/fstab"
printf 'PermitRootLogin yes\\nUseDNS no\\nHostKey /etc/ssh/ssh_host_ed25519_key\\n' > "$1/etc/ssh/sshd_config.d/imagebake.conf"
rm -f "$1"/etc/ssh/ssh_host_rsa_key* "$1"/etc/ssh/ssh_host_ecdsa_key*
echo imagebake > "$1/etc/hostname"
printf '127.0.0.1 localhost\\n127.0.1.1 imagebake\\n::1 localhost\\n' > "$1/etc/hosts"
printf 'nameserver 10.0.2.3\\n' > "$1/etc/resolv.conf"
: > "$1/etc/machine-id"
echo 'root:${rootPassword}' | chroot "$1" chpasswd
chroot "$1" systemctl enable systemd-networkd ssh
chroot "$1" systemctl disable apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service systemd-networkd-wait-online.service || true
${cloudInit ? cloudInitSettings : ''}
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log "$1"/var/log/apt`,
  };
}

/** cloud-init with the modules that a seed with keys, users, files and commands needs: all of them take a minute in software emulation. */
const cloudInitSettings = `cat > "$1/etc/cloud/cloud.cfg" <<'END'
datasource_list: [NoCloud, None]
disable_root: false
ssh_genkeytypes: [ed25519]
locale: false
cloud_init_modules: [seed_random, write_files, set_hostname, users_groups, ssh]
cloud_config_modules: [set_passwords, runcmd]
cloud_final_modules: [scripts_user]
system_info: { distro: debian, default_user: { name: debian, lock_passwd: true, shell: /bin/bash } }
END
rm -f "$1"/etc/cloud/cloud.cfg.d/*`;

/** The key of a recipe: equal recipes are made once. */
export function keyOf(recipe: Recipe): string {
  return `${recipe.release}-${createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12)}`;
}

function hostRelease(): { id: 'debian' | 'ubuntu'; codename: string } {
  const file = '/etc/os-release', text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const value = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
  const id = value('ID'), codename = value('VERSION_CODENAME');
  return (id === 'debian' || id === 'ubuntu') && codename ? { id, codename } : { id: 'debian', codename: 'bookworm' };
}
