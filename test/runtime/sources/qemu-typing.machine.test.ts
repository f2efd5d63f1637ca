/** What is typed at guests, and what is waited for on their screens. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { type App, Duration, ImageBuild, QemuSource, waitForScreen } from '../../../lib/index.js';
import { encodePng } from '../../support/png.js';
import { decodePng } from '../../../lib/runtime/formats/png.js';
import { baseSystem } from '../../support/base.js';
import { bootSector } from '../../support/boot-sector.js';
import { requires } from '../../support/machine.js';
import { program } from '../../support/program.js';
import { typingGuest } from '../../support/typing-guest.js';

const layouts = ['us', 'uk', 'de', 'fr'] as const;

requires('qemu', 'base', 'keymaps')('typed text', () => {
  let base: Awaited<ReturnType<typeof baseSystem>>;
  beforeAll(async () => { base = await baseSystem(); }, 600_000);

  test('arrives whole, 2,000 random characters on four keyboards, while the computer is busy', async () => {
    const text = Object.fromEntries(layouts.map(layout => [layout, Array.from({ length: 10 }, () => `x${Array.from({ length: 48 }, () => String.fromCharCode(randomInt(33, 127))).join('')}x`).join('\n')])) as { [L in (typeof layouts)[number]]: string };
    const p = await program((app: App, folder) => {
      writeFileSync(join(folder, 'disk.raw'), bootSector(''));
      new ImageBuild(app, 'web', {
        sources: layouts.map(layout => new QemuSource({
          name: layout, diskImage: 'disk.raw', communicator: 'none', kernelBoot: { kernelFile: base.kernel, initrdFile: typingGuest(folder, layout), append: 'console=tty0 quiet loglevel=0' },
          boot: { command: [waitForScreen({ text: 'ready' }), `${text[layout].replaceAll('<', '<lt>')}\n...\n`], keyboardLayout: layout, keyInterval: Duration.milliseconds(5) },
        })),
      });
    });
    const burners = [1, 2].map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    onTestFinished(() => { for (const burner of burners) burner.kill('SIGKILL'); });
    const { run, targets } = await p.run();
    expect(targets.map(t => t.error?.message ?? t.outcome)).toEqual(['done', 'done', 'done', 'done']);
    for (const layout of layouts) expect(readFileSync(join(p.folder, '.bake/runs', run, `web_${layout}/serial.log`), 'utf8').replaceAll('\r', ''), layout).toContain(`<${text[layout]}\n>`);
  }, 240_000);
});

requires('qemu')('a screen', () => {
  test('is waited for until it stands still, or looks like a picture, whose transparent parts count as anything; else the error has the picture', async () => {
    const at = async (steps: { readonly [name: string]: ReturnType<typeof waitForScreen> }, picture?: Uint8Array) => program((app: App, folder) => {
      writeFileSync(join(folder, 'disk.raw'), bootSector('', { key: true, exit: true }));
      if (picture !== undefined) writeFileSync(join(folder, 'wanted.png'), picture);
      new ImageBuild(app, 'web', {
        sources: Object.entries(steps).map(([name, step]) => new QemuSource({ name, diskImage: 'disk.raw', communicator: 'none', boot: { command: [step, '<spacebar>'] }, qemuArgs: [['-device', 'isa-debug-exit,iobase=0xf4,iosize=1']] })),
      });
    });
    const still = await at({ still: waitForScreen({ still: Duration.seconds(2) }, { timeout: Duration.minutes(2) }) }), first = await still.run();
    expect(first.targets.map(t => t.error?.message ?? t.outcome)).toEqual(['done']);
    const seen = decodePng(readFileSync(join(still.folder, '.bake/runs', first.run, 'web_still/screen-typing.png'))), rgba = Buffer.from(seen.rgba);
    // The lower half is of no matter, and is another colour.
    for (let i = rgba.length / 2; i < rgba.length; i += 4) rgba.set([255, 0, 0, 0], i);
    const wrong = waitForScreen({ match: 'wrong.png' }, { timeout: Duration.seconds(3) });
    const match = await at({ match: waitForScreen({ match: 'wanted.png' }, { timeout: Duration.minutes(2) }) }, encodePng({ ...seen, rgba }));
    expect((await match.run()).targets.map(t => t.error?.message ?? t.outcome)).toEqual(['done']);
    const other = await program((app: App, folder) => {
      writeFileSync(join(folder, 'disk.raw'), bootSector('', { key: true }));
      writeFileSync(join(folder, 'wrong.png'), encodePng({ ...seen, rgba: Buffer.from(seen.rgba.map((v, i) => (i % 4 === 3 ? 255 : 255 - v))) }));
      new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'disk.raw', communicator: 'none', boot: { command: [wrong, 'x'] } })] });
    });
    const [failed] = (await other.run()).targets;
    expect(failed!.error).toMatchObject({ code: 'SCREEN_TIMEOUT' });
    expect(failed!.error!.message).toMatch(/^The guest's screen did not look like the picture within 3 s\.\n(.*\n)*Screenshot: .*failure\.png$/);
  }, 240_000);
});
