/** One guest with much that a machine can have, built twice: secure boot, TPM, firmware configuration, disks, USB, forwarded ports; its second build goes on from memory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { App, ChecksumPostProcessor, ImageBuild, ManifestPostProcessor, QemuSource, ShellProvisioner, Size } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { baseSystem } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { outputOf, program, temporaryFolder, type TestProgram } from '../../support/program.js';

const notesOf = (p: TestProgram): string => p.events.map(e => (e.type === 'note' || e.type === 'warning' ? e.message : e.type === 'step-end' && e.error ? e.error.message : '')).filter(t => t !== '').join('\n');

/** Gives the TPM's owner a password where there is none yet: its answer begins with the code 0, and with 9a2 (bad authorization) the next time. */
const ownTheTpm = String.raw`printf '\200\2\0\0\0\37\0\0\1\51\100\0\0\1\0\0\0\11\100\0\0\11\0\0\0\0\0\0\2xy' > /run/command
tpm() { exec 3<>/dev/tpm0; cat /run/command >&3; head -c 10 <&3 | od -An -tx1 | tr -d ' '; exec 3>&-; }
echo "tpm answers $(tpm)"`;

requires('qemu', 'base', 'ovmf', 'swtpm')('a machine with secure boot, a TPM, more disks, USB and a further port', () => {
  test('is what the guest finds; its firmware variables come with the image, also where the build went on from memory', async () => {
    const base = await baseSystem(), checkpoints = { store: new CheckpointStore(await temporaryFolder()) };
    const build = (last: string): Promise<TestProgram> => program((app: App, folder) => {
      writeFileSync(join(folder, 'answers.json'), '{ "colour": "green" }\n');
      return new ImageBuild(app, 'web', {
        sources: [new QemuSource({
          diskImage: base.disk, kernelBoot: { kernelFile: base.kernel, initrdFile: base.initrd, append: base.append }, efi: { secureBoot: true }, vtpm: true, outputDirectory: 'out', memory: Size.mib(768), sockets: 1, cores: 2, threads: 1,
          diskInterface: 'virtio-scsi', diskAdditionalSize: [Size.mib(64), Size.mib(96)], diskCache: 'writeback', diskDiscard: 'ignore', diskDetectZeroes: 'on', cdromInterface: 'sata', usb: true, vga: 'virtio',
          portForwards: [{ guest: 2222 }], firmwareConfig: { 'opt/org.example/answers': 'answers.json' },
        })],
        provisioners: [
          new ShellProvisioner({
            executeCommand: 'bash {{ .Path }}', checkpoint: 'always',
            inline: [
              'echo "secure boot $(od -An -tu1 -j4 /sys/firmware/efi/efivars/SecureBoot-* | tr -d " ")"', 'modprobe qemu_fw_cfg; cat /sys/firmware/qemu_fw_cfg/by_name/opt/org.example/answers/raw',
              'echo "disks $(lsblk -dnbo SIZE,TRAN,TYPE | tr -s " " | tr "\\n" ";")"',
              'echo "processors $(nproc) $(free -m | awk "/Mem/ { print (\\$2 < 768) }")"', 'echo "usb $(cat /sys/bus/pci/devices/*/class | grep 0c03)"', 'mkfs.ext4 -q -L extra $(lsblk -dnbo PATH,SIZE | awk "\\$2 == 67108864 { print \\$1 }")',
              'printf "\\7\\0\\0\\0kept" > /sys/firmware/efi/efivars/Mine-12345678-1234-1234-1234-123456789abc', ownTheTpm,
              '/usr/sbin/sshd -p 2222', 'echo "door open"', 'for i in $(seq 300); do [ -z "$(ss -Htn state established sport = :2222)" ] || break; sleep 0.1; done', 'sleep 2',
            ],
          }),
          new ShellProvisioner({ executeCommand: 'bash {{ .Path }}', inline: [`echo ${last}`, 'echo "variable $(tail -c 4 /sys/firmware/efi/efivars/Mine-*)"', ownTheTpm], checkpoint: 'never' }),
        ],
        postProcessors: [new ManifestPostProcessor({ output: 'manifest.json' }), new ChecksumPostProcessor({ checksumTypes: ['sha256'], output: 'SHA256SUMS' })],
      });
    });
    const check = async (p: TestProgram): Promise<void> => {
      let port = 0;
      const banners: Promise<string>[] = [];
      const { targets } = await p.run({
        checkpoints, listen: e => {
          port = Number((e.type === 'note' && /^port 2222 of the guest: 127\.0\.0\.1:(\d+)$/.exec(e.message)?.[1]) || port);
          if (e.type === 'output' && e.text.includes('door open')) banners.push(bannerAt(port));
        },
      });
      expect(targets, notesOf(p)).toMatchObject([{ outcome: 'done', outputs: { efivars: join(p.folder, 'out/efivars.fd') } }]);
      expect(targets[0]!.artifacts[0]!.files.map(f => f.path)).toEqual(['web.qcow2', 'web-1.qcow2', 'web-2.qcow2', 'efivars.fd'].map(name => join(p.folder, 'out', name)));
      expect(readFileSync(join(p.folder, 'out/efivars.fd')).includes(Buffer.from('Mine', 'utf16le'))).toBe(true);
      for (const list of ['manifest.json', 'SHA256SUMS']) expect(await p.read(list)).toMatch(/efivars\.fd/);
      expect(notesOf(p)).toMatch(/^boot it with its variables: qemu-system-x86_64 .*smm=on.*secure,value=on.*if=pflash,unit=0.*out\/efivars\.fd/m);
      for (const banner of banners) expect(await banner).toMatch(/^SSH-2\.0-/);
    };
    const first = await build('one');
    await check(first);
    const said = outputOf(first.events);
    for (const line of [
      'secure boot 1', '{ "colour": "green" }', 'disks 4294967296 disk; 67108864 disk; 100663296 disk;', 'usb 0x0c0330', 'processors 2 1', 'variable kept', 'tpm answers 80020000001300000000', 'tpm answers 80010000000a000009a2',
    ]) expect.soft(said).toContain(line);

    const second = await build('two');
    await check(second);
    expect(notesOf(second)).toContain('resumed from memory');
    expect(outputOf(second.events)).toMatch(/^two\nvariable kept\ntpm answers 80010000000a000009a2$/m);
  }, 400_000);
});

/** What says hello at a port of this computer; asked again while nobody does. */
async function bannerAt(port: number): Promise<string> {
  for (let tries = 40; ; tries--) {
    const said = await new Promise<string>(resolve => {
      const socket = connect(port, '127.0.0.1').setEncoding('utf8').setTimeout(5000, () => { resolve(''); socket.destroy(); });
      socket.once('data', text => { resolve(String(text)); socket.destroy(); }).once('error', () => resolve('')).once('end', () => resolve(''));
    });
    if (said !== '' || tries === 0) return said;
    await setTimeout(250);
  }
}
