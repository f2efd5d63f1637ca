/** What goes wrong before and while a guest boots, with what a person is told. The guests here are boot sectors: nothing takes long. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { App, Duration, ImageBuild, QemuSource, type QemuSourceProps, Size } from '../../../lib/index.js';
import type { PreflightProblem } from '../../../lib/runtime/driver.js';
import qemuDriver from '../../../lib/runtime/sources/qemu.js';
import { synth } from '../../../lib/synth/synth.js';
import { bootSector } from '../../support/boot-sector.js';
import { bakeFile, runNode } from '../../support/command-lines.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';
import { requires } from '../../support/machine.js';

type Props = Parameters<typeof qemuDriver.start>[0];

requires('qemu')('a qemu build that cannot be', () => {
  let folder: string, disk: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bake-faults-'));
    disk = join(folder, 'hello.raw');
    writeFileSync(disk, bootSector('hello from the boot sector\r\n'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Props as the driver gets them. */
  function props(given: Omit<QemuSourceProps, 'diskImage'> & { readonly diskImage?: string }): Props {
    const app = new App(), { diskImage = disk, ...rest } = given;
    writeFileSync(join(folder, 'any.raw'), bootSector(''));
    new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'any.raw', ...rest } as QemuSourceProps)] });
    return { ...synth(app, { folder }).plan.targets[0]!.source.props as unknown as Props, diskImage };
  }
  const preflight = async (given: Parameters<typeof props>[0], settings: Parameters<typeof driverContext>[0] = {}): Promise<readonly PreflightProblem[]> => {
    const c = await driverContext({ folder, ...settings });
    try { return await qemuDriver.preflight(props(given), c.ctx); } finally { await c.end(); }
  };

  describe('is told before anything starts', () => {
    test('when all is well: nothing', async () => expect(await preflight({})).toEqual([]));

    test('that the disk image is missing, text, packed, empty, an installation disc, or of an odd size', async () => {
      const files: { [name: string]: Buffer | string } = {
        'page.html': '<!DOCTYPE html><html>404</html>'.padEnd(1024), 'disk.gz': Buffer.from([0x1f, 0x8b, 8, 0, 1, 2]), 'empty.img': '', 'odd.img': Buffer.alloc(1000, 1),
        'cd.iso': Buffer.concat([Buffer.alloc(32_768), Buffer.from([1]), Buffer.from('CD001'), Buffer.alloc(4096)]),
      };
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
      const said = await Promise.all(['gone.img', ...Object.keys(files)].map(async name => (await preflight({ diskImage: join(folder, name) })).map(p => `${p.code} ${p.field}: ${p.message.replace(folder, '…')} ${p.remedy}`)));
      expect(said.flat()).toEqual([
        "QEMU_NO_IMAGE diskImage: The disk image …/gone.img does not exist. Check the path; relative ones are relative to the program's folder.",
        'QEMU_NOT_AN_IMAGE diskImage: …/page.html is text (it begins with "<!DOCTYPE html><html>404"). Give the path of a disk image (qcow2, raw, vmdk, vdi, vhdx). A download that failed often leaves an error page.',
        'QEMU_NOT_AN_IMAGE diskImage: …/disk.gz is compressed (gzip). Unpack it first.',
        'QEMU_NOT_AN_IMAGE diskImage: …/empty.img is empty. Give the path of a disk image (qcow2, raw, vmdk, vdi, vhdx).',
        'QEMU_NOT_AN_IMAGE diskImage: …/odd.img is no disk image: its size (1000 bytes) is no multiple of 512. Give the path of a disk image (qcow2, raw, vmdk, vdi, vhdx).',
        'QEMU_NOT_AN_IMAGE diskImage: …/cd.iso is an installation disc (ISO 9660). Boot from it with isoUrl instead of diskImage.',
      ]);
    });

    test('that the checksum is wrong, with both sums', async () => {
      const [problem] = await preflight({ diskImageChecksum: `sha256:${'0'.repeat(64)}` });
      expect(problem).toMatchObject({ code: 'CHECKSUM_WRONG', field: 'diskImageChecksum', message: expect.stringMatching(/is wrong\.\n {2}expected sha256:0{64}\n {2}found {4}sha256:[0-9a-f]{64}$/) });
    });

    test('that the disk cannot shrink, that an accelerator does not work, that the output is there', async () => {
      mkdirSync(join(folder, 'taken'), { recursive: true });
      const given = { diskSize: Size.kib(512), outputDirectory: join(folder, 'taken'), accelerator: 'kvm', architecture: 'aarch64', firmware: 'any.raw', qemuBinary: 'qemu-system-x86_64' } as const;
      const found = await preflight(given);
      expect(found.map(p => [p.code, p.field, p.message.replace(folder, '…').split(':')[0]])).toEqual([
        ['ACCELERATOR_UNUSABLE', 'accelerator', "The accelerator 'kvm' was asked for and does not work here"],
        ['OUTPUT_EXISTS', 'outputDirectory', 'The output …/taken exists already.'],
        ['DISK_SMALLER', 'diskSize', '…/hello.raw is 1 MiB, and diskSize is only 512 KiB.'],
      ]);
      expect((await preflight(given, { force: true })).map(p => p.code)).toEqual(['ACCELERATOR_UNUSABLE', 'DISK_SMALLER']);
    });

    test('that there is no screen for a window, or that this QEMU cannot show one', async () => {
      const screens = ['DISPLAY', 'WAYLAND_DISPLAY'].map(name => [name, process.env[name]] as const);
      for (const [name] of screens) delete process.env[name];
      try {
        expect((await preflight({ headless: false })).map(p => `${p.field} ${p.message}`)).toEqual(['headless There is no screen for a window (headless: false): neither DISPLAY nor WAYLAND_DISPLAY is set.']);
        expect((await preflight({ headless: false, display: 'crystal-ball' })).map(p => `${p.code} ${p.field} ${p.message}`)).toEqual(["DISPLAY_NONE display qemu-system-x86_64 cannot show a window by 'crystal-ball' here."]);
      } finally { for (const [name, value] of screens) if (value !== undefined) process.env[name] = value; }
    });

    test('which programs are missing, and in which package they are', async () => {
      const path = process.env['PATH'];
      process.env['PATH'] = join(folder, 'nothing-here');
      try {
        expect((await preflight({})).map(p => `${p.message} ${p.remedy}`)).toEqual([
          "'qemu-system-x86_64' is not installed (or not in PATH). Install it: apt-get install qemu-system-x86 (Debian, Ubuntu), or your system's package of QEMU.",
          "'qemu-img' is not installed (or not in PATH). Install it: apt-get install qemu-utils (Debian, Ubuntu), or your system's package of QEMU.",
        ]);
      } finally { process.env['PATH'] = path; }
    });
  });

  /** Starts and connects; what it was told when that failed. */
  async function failure(given: Parameters<typeof props>[0]): Promise<{ readonly error: Error & { code: string; facts: { [name: string]: unknown } }; readonly c: DriverContext; readonly done: () => Promise<void> }> {
    const c = await driverContext();
    try {
      const machine = await qemuDriver.start(props(given), c.ctx);
      await machine.connect(c.ctx);
    } catch (error) { return { error: error as never, c, done: async () => { await c.endScope('failed'); expect(await c.left()).toEqual([]); await c.end(); } }; }
    await c.end();
    throw new Error('it did not fail');
  }

  test('because the guest never comes up says the phase, what the serial console shows, and where the picture of the screen is', async () => {
    const { error, c, done } = await failure({ ssh: { timeout: Duration.seconds(5) } });
    try {
      const picture = String(error.facts['screenshot']);
      expect(error).toMatchObject({ code: 'SSH_TIMEOUT', facts: { phase: 'address', serial: expect.arrayContaining(['hello from the boot sector']) } });
      expect(error.message).toMatch(/^No SSH session with .* within 5 s: the guest has no address yet\.\nThe serial console ends with:\n(.*\n)* {2}hello from the boot sector\nScreenshot: /);
      expect(picture.startsWith(c.ctx.run.folder)).toBe(true);
      expect(readFileSync(picture).subarray(1, 4).toString()).toBe('PNG');
    } finally { await done(); }
  });

  test('may be kept: the command ends, the screen is shown as it is then, and the last picture when the machine is gone', async () => {
    const place = join(folder, 'kept');
    mkdirSync(place);
    writeFileSync(join(place, 'hello.raw'), bootSector('hello\r\n'));
    writeFileSync(join(place, 'images.mts'), "import { App, Duration, ImageBuild, QemuSource } from 'imagebake';\nexport const app = new App();\nnew ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'hello.raw', ssh: { timeout: Duration.seconds(2) } })] });\n");
    const bake = (...args: readonly string[]): ReturnType<typeof runNode> => runNode(bakeFile, args, place, { BAKE_CHECKPOINT_DIR: join(place, '.store') });
    const built = await bake('build', '--program', 'images.mts', '--on-failure', 'keep');
    const run = readdirSync(join(place, '.bake/runs')).at(-1)!, runFolder = `.bake/runs/${run}/web_qemu`;
    try {
      expect(built, built.stderr).toMatchObject({ code: 4, signal: null });
      expect(await bake('screenshot', run)).toMatchObject({ code: 0, stdout: `${runFolder}/screen-now.png\n` });
      expect(readFileSync(join(place, runFolder, 'screen-now.png')).subarray(1, 4).toString()).toBe('PNG');
    } finally { expect(await bake('destroy', run)).toMatchObject({ code: 0 }); }
    expect(await bake('screenshot', run, 'web/qemu')).toMatchObject({ code: 0, stdout: `${runFolder}/screen-now.png\n` });
    expect((await bake('screenshot', run, 'web')).stderr).toContain('There is no picture of web.');
  }, 120_000);

  test('because the machine goes off says so at once', async () => {
    writeFileSync(join(folder, 'off.raw'), bootSector('giving up\r\n', { exit: true }));
    const { error, done } = await failure({ diskImage: join(folder, 'off.raw'), qemuArgs: [['-device', 'isa-debug-exit,iobase=0xf4,iosize=1']] });
    try {
      expect(error.code).toBe('GUEST_WENT_OFF');
      expect(error.message).toMatch(/^The machine switched itself off while it was waited for\.\nThe serial console ends with:\n(.*\n)* {2}giving up$/);
    } finally { await done(); }
  });

  test("because QEMU does not know an argument gives QEMU's own words", async () => {
    const { error, done } = await failure({ qemuArgs: [['-device', 'no-such-device']] });
    try { expect([error.code, error.message]).toEqual(['QEMU_NOT_STARTED', "QEMU did not start: -device no-such-device: 'no-such-device' is not a valid device model name."]); } finally { await done(); }
  });

  test('because it was cancelled leaves nothing behind', async () => {
    const c = await driverContext();
    const machine = await qemuDriver.start(props({}), c.ctx);
    setTimeout(() => c.abort.abort(), 300);
    await expect(machine.connect(c.ctx)).rejects.toMatchObject({ code: 'WAIT_CANCELLED' });
    const [, ...places] = machine.places.marker === '' ? [] : ['', machine.places.folder, machine.places.work, machine.places.memory];
    expect(places.every(existsSync)).toBe(true);
    await c.endScope('cancelled');
    expect([places.filter(existsSync), machine.running.alive(), await c.left()]).toEqual([[], false, []]);
    await c.end();
  });

  requires('root')('on a small disk', () => {
    test('is told of it before, and a disk that fills up in the middle leaves no half image', async () => {
      const small = join(folder, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', small]);
      try {
        expect((await preflight({ outputDirectory: join(small, 'out') })).map(p => [p.code, p.field, p.message.replace(folder, '…')])).toEqual([
          ['QEMU_NO_SPACE', 'outputDirectory', 'The file system of …/small has 64 MiB left, and the image may need 257 MiB.'],
        ]);
        writeFileSync(join(folder, 'full.raw'), Buffer.concat([bootSector('', { exit: true }), ...Array.from({ length: 80 }, (_, i) => Buffer.alloc(1024 * 1024, i + 1))]));
        const c = await driverContext({ folder });
        try {
          const given = props({ diskImage: join(folder, 'full.raw'), outputDirectory: join(small, 'out'), cloudInit: { enabled: false }, ssh: { host: '127.0.0.1' } });
          const machine = await qemuDriver.start(given, c.ctx);
          machine.guest = { [Symbol.asyncDispose]: async () => {} } as never;
          machine.running.qmp.execute('quit').catch(() => {});
          await machine.running.exited;
          await expect(machine.capture(given, c.ctx)).rejects.toMatchObject({ code: 'DISK_TOOL', message: expect.stringMatching(/qemu-img could not write .*No space left on device/) });
          await c.endScope('failed');
          expect(readdirSync(small)).toEqual([]);
        } finally { await c.end(); }
      } finally { execFileSync('umount', [small]); }
    });
  });
});
