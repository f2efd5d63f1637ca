/**
 * A small installation disc that behaves like a real one: a boot prompt, kernel arguments, answers over HTTP, partitions, a boot loader, a restart. It installs the base system.
 * Made once per machine, kept in the user's cache.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../lib/cache-folder.js';
import { withLock } from '../../lib/runtime/host/lock.js';
import { baseSystem } from './base.js';

/** The installer itself, in the initial ramdisk. The answers are shell: NAME="value" lines. */
const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin; export PATH=/sbin:/bin
mount -t devtmpfs d /dev; mount -t proc p /proc; mount -t sysfs s /sys; mount -t tmpfs t /run
say() { m="INSTALL[$(cut -d' ' -f1 /proc/uptime)] $*"; echo "$m"; echo "$m" > /dev/tty1; }
die() { say "FAILED: $*"; sleep 1; poweroff -f; }
for m in $(cat /m/order); do insmod /m/$m 2>/dev/null; done
ANS=; for a in $(cat /proc/cmdline); do case $a in answers=*) ANS=\${a#answers=};; esac; done; [ -n "$ANS" ] || die "no answers="
IF=$(ls /sys/class/net | grep -v lo | head -1); ip link set $IF up; udhcpc -q -n -i $IF -s /usr/share/udhcpc/default.script >/dev/null 2>&1 || die dhcp
wget -q -O /tmp/answers "$ANS" || die "cannot fetch $ANS"
DISK=/dev/vda HOSTNAME=installed; . /tmp/answers
n=0; while ! blkid 2>/dev/null | grep -q sr0 && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; mount -t iso9660 -o ro /dev/sr0 /cd || die cdrom
printf 'label: dos\\nstart=2048, type=83, bootable\\n' | /sbin/sfdisk -q --no-tell-kernel $DISK || die sfdisk; blockdev --rereadpt $DISK
/sbin/mke2fs -q -F -t ext4 -E lazy_itable_init=1,nodiscard \${DISK}1 || die mke2fs; mount -t ext4 \${DISK}1 /target || die mount
say unpacking; /sbin/zstd -dcq /cd/rootfs.tar.zst | tar -x -C /target || die tar
echo "\${DISK}1 / ext4 errors=remount-ro 0 1" > /target/etc/fstab; echo $HOSTNAME > /target/etc/hostname
V=$(ls /target/lib/modules | tail -1); mkdir -p /target/boot/grub; cp -r /cd/grub/i386-pc /target/boot/grub/
dd if=/cd/grub/boot.img of=$DISK bs=440 count=1 conv=notrunc 2>/dev/null; dd if=/cd/grub/core.img of=$DISK bs=512 seek=1 conv=notrunc 2>/dev/null
printf 'set timeout=0\\nmenuentry linux { linux /boot/vmlinuz-%s root=%s1 ro console=tty0 console=ttyS0 quiet\\ninitrd /boot/initrd.img-%s\\n}\\n' $V $DISK $V > /target/boot/grub/grub.cfg
sync; umount /target; sync; say done; sleep 0.2; reboot -f
`;

const make = (tar: string): string => `set -eu
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p root iso/isolinux iso/grub rd/bin rd/sbin rd/proc rd/sys rd/dev rd/cd rd/target rd/m rd/lib rd/lib64 rd/tmp rd/etc rd/run rd/usr/share/udhcpc
tar -xf ${tar} -C root --numeric-owner --wildcards './usr/lib/modules/*' './boot/*'
V=$(ls root/usr/lib/modules | tail -1)
cp root/boot/vmlinuz-$V iso/vmlinuz
zstd -q -3 -T0 ${tar} -o iso/rootfs.tar.zst
cp -r /usr/lib/grub/i386-pc iso/grub/
cp /usr/lib/grub/i386-pc/boot.img iso/grub/boot.img
grub-mkimage -O i386-pc -o iso/grub/core.img -p '(hd0,msdos1)/boot/grub' biosdisk part_msdos ext2 normal linux serial terminal configfile echo
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 iso/isolinux/
printf 'default install\\nprompt 1\\ntimeout 0\\nlabel install\\n kernel /vmlinuz\\n append initrd=/initrd.img quiet console=tty0 console=ttyS0\\n' > iso/isolinux/isolinux.cfg
cp /bin/busybox rd/bin/busybox
for tool in $(command -v mke2fs) $(command -v sfdisk) $(command -v zstd); do
  cp "$tool" rd/sbin/
  ldd "$tool" | grep -o '/[^ ]*' | while read -r library; do mkdir -p "rd$(dirname "$library")"; cp -L "$library" "rd$library"; done
done
cp /etc/mke2fs.conf rd/etc/
D=root/usr/lib/modules/$V
add() {
  line=$(grep "/$1\\.ko[^:]*:" $D/modules.dep | head -1) || return 0
  file=\${line%%:*}
  for dep in $(echo "\${line#*:}" | tr ' ' '\\n' | tac) $file; do
    name=$(basename $dep); plain=\${name%.xz}; [ -e rd/m/$plain ] && continue
    case $name in *.xz) xz -dc $D/$dep > rd/m/$plain ;; *) cp $D/$dep rd/m/$plain ;; esac
    echo $plain >> rd/m/order
  done; }
for m in virtio_pci virtio_blk virtio_scsi virtio_net ata_piix ata_generic sr_mod sd_mod isofs crc32c_intel crc32c_generic ext4 virtio_rng; do add $m; done
cp init rd/init; chmod 755 rd/init
printf '#!/bin/sh\\n[ "$1" = bound ] || [ "$1" = renew ] || exit 0\\nip addr add $ip/\${mask:-24} dev $interface; ip route add default via $router\\n' > rd/usr/share/udhcpc/default.script
chmod 755 rd/usr/share/udhcpc/default.script
(cd rd; find . | cpio -o -H newc --quiet | gzip -1) > iso/initrd.img
xorriso -as mkisofs -quiet -o inst.iso -V INST -J -R -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table iso
`;

export interface Installer { readonly iso: string; readonly checksum: string; readonly rootPassword: string }

/** The disc, made now (some seconds) where it was not yet. */
export async function installerDisc(): Promise<Installer> {
  const base = await baseSystem(), script = make(base.tar), key = createHash('sha256').update(base.key + init + script).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), 'test'), iso = join(folder, `installer-${key}.iso`);
  mkdirSync(folder, { recursive: true });
  await withLock(`${iso}.lock`, async () => {
    if (existsSync(iso)) return;
    const work = mkdtempSync(join(folder, 'installer-'));
    try {
      writeFileSync(join(work, 'init'), init);
      writeFileSync(join(work, 'make.sh'), script);
      execFileSync('sh', ['make.sh'], { cwd: work, stdio: 'pipe' });
      renameSync(join(work, 'inst.iso'), iso);
    } finally { rmSync(work, { recursive: true, force: true }); }
  }, { budget: 300_000 });
  return { iso, checksum: `sha256:${execFileSync('sha256sum', [iso], { encoding: 'utf8' }).slice(0, 64)}`, rootPassword: base.rootPassword };
}
