/** Unattended installations from a disc: typed at its prompt, and by its kernel; UEFI; a kernel that panics; much typed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { App, Duration, ImageBuild, QemuSource, type QemuSourceProps, Secret, ShellProvisioner, Size, waitForScreen } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { iso9660 } from '../../../lib/runtime/formats/iso9660.js';
import { forecast } from '../../../lib/runtime/forecast.js';
import { outputOf, program, temporaryFolder, type TestProgram } from '../../support/program.js';
import { baseSystem } from '../../support/base.js';
import { installerDisc } from '../../support/installer.js';
import { requires } from '../../support/machine.js';
import { typingGuest } from '../../support/typing-guest.js';

const answers = 'HOSTNAME="typed"\n';
const notesOf = (p: TestProgram): string => p.events.map(e => (e.type === 'note' || e.type === 'warning' ? e.message : e.type === 'step-end' && e.error ? e.error.message : '')).filter(t => t !== '').join('\n');

requires('qemu', 'base', 'installer')('an installation from a disc', () => {
  let disc: { iso: string; checksum: string; rootPassword: string };
  beforeAll(async () => { disc = await installerDisc(); }, 600_000);

  const install = (more: Partial<QemuSourceProps>, step = 'echo "host $(cat /etc/hostname) on $(lsblk -no FSTYPE /dev/vda1)"'): Promise<TestProgram> => program((app: App) => new ImageBuild(app, 'web', {
    sources: [new QemuSource({
      isoUrl: disc.iso, isoChecksum: disc.checksum, diskSize: Size.gib(3), http: { content: { '/answers': answers } },
      // The key gets in as a credential of the installed system's first boot: nothing in the answers says so.
      ssh: { timeout: Duration.minutes(10) }, ...more,
    } as QemuSourceProps)],
    provisioners: [new ShellProvisioner({ inline: [step] })],
  }));

  test('is typed at the boot prompt, fetches its answers, and is reached by SSH in what it installed; a second build with other steps does not install again', async () => {
    const source: Partial<QemuSourceProps> = { boot: { command: [waitForScreen({ text: 'boot:' }, { timeout: Duration.minutes(2) }), 'install answers=http://{{ .HTTPIP }}:{{ .HTTPPort }}/answers<enter>'] } };
    const checkpoints = { store: new CheckpointStore(await temporaryFolder()) };
    const p = await install(source), result = await p.run({ checkpoints });
    expect(result.targets, notesOf(p)).toMatchObject([{ outcome: 'done', outputs: { diskSize: 3 * 1024 ** 3 } }]);
    expect(outputOf(p.events)).toContain('host typed on ext4');
    expect(notesOf(p)).toContain('the guest asked for /answers: 200');
    const folder = join(p.folder, '.bake/runs', result.run, 'web_qemu');
    expect(readFileSync(join(folder, 'http.log'), 'utf8')).toMatch(/GET \/answers 200/);
    expect(readFileSync(join(folder, 'serial.log'), 'utf8')).toMatch(/INSTALL\[[\d.]+\] done/);

    // Another step, another folder, the disc from another place; the key that was given to the first is in the second's hands.
    const other = await install({ ...source, isoUrl: new URL(`file://${disc.iso}`).href }, 'echo "again on $(cat /etc/hostname)"');
    expect(await forecast(other.plan, { programFolder: other.folder, checkpoints })).toMatchObject([{ state: 'resumes', after: 'the installation', steps: ['resume', 'web/shell', 'capture'] }]);
    expect((await other.run({ checkpoints })).targets, notesOf(other)).toMatchObject([{ outcome: 'done', outputs: { diskSize: 3 * 1024 ** 3 } }]);
    expect(outputOf(other.events)).toContain('again on typed');
    expect(notesOf(other)).toContain('resumed from memory');
    expect(notesOf(other)).not.toContain('typing');
  }, 600_000);

  test('by its own kernel needs no typing', async () => {
    const p = await install({ kernelBoot: { kernel: '/vmlinuz', initrd: '/initrd.img', append: 'quiet console=tty0 console=ttyS0 answers=http://{{ .HTTPIP }}:{{ .HTTPPort }}/answers' } });
    expect((await p.run()).targets, notesOf(p)).toMatchObject([{ outcome: 'done' }]);
    expect(outputOf(p.events)).toContain('host typed on ext4');
  }, 600_000);
});

requires('qemu', 'base', 'keymaps')('an installation that nobody can talk to', () => {
  test('is done when the guest switches itself off and has written something, and is not repeated where only the image is to be another', async () => {
    const base = await baseSystem(), checkpoints = { store: new CheckpointStore(await temporaryFolder()) }, disc = join(await temporaryFolder(), 'disc.iso');
    writeFileSync(disc, iso9660('INST', { vmlinuz: readFileSync(base.kernel), 'initrd.gz': readFileSync(typingGuest(await temporaryFolder(), 'us')) }));
    const build = (more: Partial<QemuSourceProps>): Promise<TestProgram> => program((app: App) => {
      const kernelBoot = { kernel: '/vmlinuz', initrd: '/initrd.gz', append: 'console=tty0 quiet loglevel=0' };
      new ImageBuild(app, 'web', {
        sources: [new QemuSource({ isoUrl: disc, isoChecksum: 'none', diskSize: Size.mib(64), communicator: 'none', kernelBoot, boot: { command: [waitForScreen({ text: 'ready' }), '...<enter>'] }, outputDirectory: 'out', ...more } as QemuSourceProps)],
      });
    });
    const [failed] = (await (await build({})).run({ checkpoints })).targets;
    expect(failed!.error).toMatchObject({ code: 'GUEST_NOTHING' });
    expect(failed!.error!.message).toMatch(/^The installer is gone, and has written nothing to the disk\.\nThe serial console ends with:\n  <>/);
    // The guest has no driver for its disk: this stands for what it would have written.
    const written = { qemuImgArgs: { create: ['-o', 'preallocation=falloc'] } };
    const p = await build(written);
    expect((await p.run({ checkpoints })).targets, notesOf(p)).toMatchObject([{ outcome: 'done', outputs: { format: 'qcow2', diskSize: 64 * 1024 ** 2 } }]);
    const other = await build({ ...written, format: 'raw', memory: Size.gib(2) });
    expect((await other.run({ checkpoints })).targets, notesOf(other)).toMatchObject([{ outcome: 'done', outputs: { format: 'raw', diskSize: 64 * 1024 ** 2 } }]);
    expect(notesOf(other)).not.toContain('accelerator');
  }, 240_000);
});

requires('qemu', 'base')('a guest that is booted by its kernel', () => {
  let base: Awaited<ReturnType<typeof baseSystem>>;
  beforeAll(async () => { base = await baseSystem(); }, 600_000);

  test('and panics: the error has the phase, the panic and a picture', async () => {
    const p = await program((app: App) => new ImageBuild(app, 'web', {
      // Without -no-reboot the machine would try for ever.
      sources: [new QemuSource({ diskImage: base.disk, kernelBoot: { kernelFile: base.kernel, append: 'root=/dev/nothing console=tty0 console=ttyS0 panic=-1' }, qemuArgs: [['-no-reboot']] })],
    }));
    const [target] = (await p.run()).targets;
    expect(target!.error).toMatchObject({ code: 'GUEST_WENT_OFF' });
    expect(target!.error!.message).toMatch(/^The machine switched itself off while it was waited for\.\nThe serial console ends with:\n(.*\n)*.*Kernel panic - not syncing: VFS/);
  }, 240_000);

  requires('ovmf')('under UEFI', () => {
    test('has fresh variables of its own, which come with the image', async () => {
      const p = await program((app: App) => new ImageBuild(app, 'web', {
        sources: [new QemuSource({ diskImage: base.disk, efi: { boot: true }, kernelBoot: { kernelFile: base.kernel, initrdFile: base.initrd, append: base.append }, outputDirectory: 'out', ssh: { password: Secret.env('ROOT_PASSWORD') } })],
        provisioners: [new ShellProvisioner({ inline: ['ls -d /sys/firmware/efi', 'uname -m'] })],
      }));
      const { targets } = await p.run({ environment: { ...process.env, ROOT_PASSWORD: base.rootPassword } });
      expect(targets, notesOf(p)).toMatchObject([{ outcome: 'done', outputs: { efivars: join(p.folder, 'out/efivars.fd') } }]);
      expect(outputOf(p.events)).toContain('/sys/firmware/efi\nx86_64');
      expect(targets[0]!.artifacts[0]!.files.map(f => f.path)).toEqual([join(p.folder, 'out/web.qcow2'), join(p.folder, 'out/efivars.fd')]);
    }, 300_000);
  });
});
