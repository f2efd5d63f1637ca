/**
 * A guest that writes what is typed at it to its serial console: the base system's kernel and a ramdisk with a keyboard layout as the guest's own programs have it.
 * It shows `ready` in text mode, and switches itself off after a line of three dots.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin; export PATH=/bin
mount -t devtmpfs d /dev; mount -t proc p /proc
loadkmap < /keymap
stty -F /dev/ttyS0 raw -echo; stty -F /dev/tty1 -icanon -echo -ixon -isig -iutf8 min 1
printf '<' > /dev/ttyS0
echo ready > /dev/tty1
while IFS= read -r line; do
  [ "$line" = ... ] && break
  printf '%s\\n' "$line" > /dev/ttyS0
done < /dev/tty1
printf '>' > /dev/ttyS0
poweroff -f
`;

/** Our layouts, by the names that they have in XKB, from which installers make their console's. */
const layouts = { us: 'us', uk: 'gb', de: 'de', fr: 'fr' } as const;

/** A console keymap out of XKB: plain, shift, AltGr and both, as far as ASCII, dead keys and the keys that make text need it. */
function keymap(layout: keyof typeof layouts): string {
  const known = /^(\+?U\+00[0-9a-f]{2}|dead_(acute|grave|circumflex|tilde|diaeresis)|Return|Shift|AltGr|Alt|Control|BackSpace|Delete|Escape|Tab)$/i;
  const lines = execFileSync('ckbcomp', ['-layout', layouts[layout]], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n').map(line => line.split(/\s+/)).filter(([word, , sign]) => word === 'keycode' && sign === '=');
  return ['keymaps 0-3', ...lines.map(([, code, , ...symbols]) => `keycode ${code} = ${[0, 1, 2, 3].map(i => symbols[i] || symbols[0]!).map(s => (known.test(s) ? s : 'VoidSymbol')).join(' ')}`), ''].join('\n');
}

/** Makes the ramdisk in a folder; its path. */
export function typingGuest(folder: string, layout: keyof typeof layouts): string {
  const root = join(folder, layout);
  for (const name of ['bin', 'dev', 'proc']) mkdirSync(join(root, name), { recursive: true });
  cpSync('/bin/busybox', join(root, 'bin/busybox'), { dereference: true });
  writeFileSync(join(root, 'init'), init, { mode: 0o755 });
  writeFileSync(`${root}.map`, keymap(layout));
  writeFileSync(join(root, 'keymap'), execFileSync('loadkeys', ['-b', `${root}.map`]));
  execFileSync('sh', ['-c', `find . | cpio -o -H newc --quiet | gzip -1 > ../${layout}.cpio.gz`], { cwd: root });
  return `${root}.cpio.gz`;
}
