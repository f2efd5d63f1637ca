import { expect, test } from 'vitest';
import { App, ImageBuild, QemuSource, type QemuSourceProps } from '../../../lib/index.js';
import { trySynth } from '../../../lib/synth/synth.js';

const say = (props: object): string[] => {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new QemuSource({ isoUrl: 'https://example.com/disc.iso', isoChecksum: 'none', ...props } as QemuSourceProps)] });
  return trySynth(app).problems.map(p => p.message);
};

test.each<[string, object, object, RegExp]>([
  ['a backing file', { useBackingFile: true }, { useBackingFile: false }, /starts from no image/],
  ['a kernel without a kernel', { kernelBoot: { append: 'quiet' } }, { kernelBoot: { kernel: '/vmlinuz', append: 'quiet' } }, /kernelBoot without a kernel/],
  ['two ramdisks', { kernelBoot: { kernel: '/vmlinuz', initrd: '/initrd', initrdFile: new URL(import.meta.url) } }, { kernelBoot: { kernel: '/vmlinuz', initrd: '/initrd' } }, /has both/],
  ['ports the wrong way round', { http: { portMin: 9000, portMax: 8000 } }, { http: { portMin: 8000, portMax: 9000 } }, /http\.portMin 9000, which is above http\.portMax 8000/],
  ['a flash chip without contents', { usePflash: true }, {}, /needs firmware too/],
  ['the device of a TPM that is not there', { tpmDeviceType: 'tpm-tis' }, { vtpm: true, tpmDeviceType: 'tpm-tis' }, /needs vtpm/],
  ['a window that is not shown', { display: 'gtk' }, { display: 'gtk', headless: false }, /only with headless: false/],
  ['forwarded ports on a bridge', { netBridge: 'br0', portForwards: [{ guest: 80 }] }, { portForwards: [{ guest: 80 }] }, /nothing is forwarded/],
  ['a floppy in a machine without a drive', { architecture: 'aarch64', floppy: { content: { a: 'b' } } }, { floppy: { content: { a: 'b' } } }, /no floppy drive/],
  ['IDE in a machine without it', { architecture: 'aarch64', diskInterface: 'ide' }, { diskInterface: 'ide' }, /diskInterface 'ide'/],
])('%s is a problem of the program', (_what, bad, good, message) => {
  expect(say(bad)).toEqual([expect.stringMatching(message)]);
  expect(say(good)).toEqual([]);
});
