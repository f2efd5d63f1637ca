/** The root file system as a disk that boots from BIOS: partition table, ext4 and grub, written without loop devices, mounts or root. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.js';
import type { Recipe } from './recipe.js';

/** In `folder`: disk.qcow2, vmlinuz and initrd.img, from root.tar. */
export async function makeDisk(recipe: Recipe, folder: string, say: (message: string) => void): Promise<void> {
  say('writing the disk image');
  const work = join(folder, 'disk');
  mkdirSync(work);
  writeFileSync(join(work, 'grub.cfg'), `set timeout=0
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
menuentry '${recipe.distribution} ${recipe.release}' {
  linux /vmlinuz root=UUID=${recipe.rootUuid} ro console=tty0 console=ttyS0 quiet
  initrd /initrd.img
}
`);
  const start = 2048, sector = 512, kib = Math.floor((recipe.diskSize - start * sector) / 1024);
  writeFileSync(join(work, 'make.sh'), `set -eu
PATH=$PATH:/usr/sbin:/sbin
mkdir root
tar -xpf ../root.tar -C root --numeric-owner
mkdir -p root/boot/grub
cp -r /usr/lib/grub/i386-pc root/boot/grub/
cp grub.cfg root/boot/grub/
# Debian keeps links to the newest kernel in /, Ubuntu in /boot.
for name in vmlinuz initrd.img; do
  [ -e root/$name ] || ln -sf boot/$name root/$name
  [ -e root/$name ] || ln -sf "boot/$(ls root/boot | grep "^$name-" | tail -n 1)" root/$name
  cp "$(readlink -f root/$name)" ../$name
done
chmod 644 ../vmlinuz ../initrd.img
truncate -s ${recipe.diskSize} disk.raw
printf 'label: dos\\nstart=${start}, type=83, bootable\\n' | sfdisk -q disk.raw
mkfs.ext4 -q -F -L root -U ${recipe.rootUuid} -E lazy_itable_init=1,offset=${start * sector} -d root disk.raw ${kib}k
grub-mkimage -O i386-pc -o core.img -p '(hd0,msdos1)/boot/grub' biosdisk part_msdos ext2 normal linux serial terminal configfile echo
dd if=/usr/lib/grub/i386-pc/boot.img of=disk.raw bs=440 count=1 conv=notrunc status=none
dd if=core.img of=disk.raw bs=512 seek=1 conv=notrunc status=none
qemu-img convert -O qcow2 disk.raw ../disk.qcow2
`);
  // Owners and device nodes of the tar must get into the file system: root can make them, others only pretend to.
  const root = process.getuid?.() === 0;
  await run(root ? 'sh' : 'fakeroot', root ? ['make.sh'] : ['sh', 'make.sh'], { cwd: work });
  rmSync(work, { recursive: true, force: true });
}
