import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFirmware } from '../../../../lib/runtime/sources/qemu/firmware.js';
import { temporaryFolder } from '../../../support/program.js';

let folder: string, descriptors: string, before: string | undefined;
beforeEach(async () => {
  folder = await temporaryFolder();
  before = process.env['XDG_CONFIG_HOME'];
  process.env['XDG_CONFIG_HOME'] = folder;
  mkdirSync(descriptors = join(folder, 'qemu/firmware'), { recursive: true });
  // An empty file takes away what the computer has under this name.
  for (const system of ['/etc/qemu/firmware', '/usr/share/qemu/firmware']) {
    let names: string[] = [];
    try { names = readdirSync(system); } catch { /* none installed */ }
    for (const name of names) writeFileSync(join(descriptors, name), '');
  }
});
afterEach(() => { if (before === undefined) delete process.env['XDG_CONFIG_HOME']; else process.env['XDG_CONFIG_HOME'] = before; });

function describe(name: string, architecture: string, machines: readonly string[], features: readonly string[] = [], types: readonly string[] = ['uefi']): void {
  const [code, vars] = ['code', 'vars'].map(part => join(folder, `${name}.${part}.fd`)) as [string, string];
  for (const file of [code, vars]) writeFileSync(file, '');
  writeFileSync(join(descriptors, `${name}.json`), JSON.stringify({ 'interface-types': types, features, targets: [{ architecture, machines }],
    mapping: { device: 'flash', executable: { filename: code, format: 'raw' }, 'nvram-template': { filename: vars, format: 'raw' } } }));
}
const codeOf = async (architecture: string, machine: string, secure = false): Promise<string> => (await findFirmware(architecture, machine, secure)).code.slice(folder.length + 1);

test('the first description that fits is taken, and one with secure boot only where that was asked for', async () => {
  describe('10-bios', 'x86_64', ['pc-*'], [], ['bios']);
  describe('40-enrolled', 'x86_64', ['pc-q35-*'], ['secure-boot', 'requires-smm', 'enrolled-keys']);
  describe('50-secure', 'x86_64', ['pc-q35-*'], ['secure-boot', 'requires-smm']);
  describe('60-plain', 'x86_64', ['pc-i440fx-*', 'pc-q35-*']);
  describe('60-arm', 'aarch64', ['virt-*']);
  expect(await codeOf('x86_64', 'pc-q35-7.2')).toBe('60-plain.code.fd');
  expect(await codeOf('x86_64', 'pc-i440fx-7.2')).toBe('60-plain.code.fd');
  expect(await codeOf('x86_64', 'pc-q35-7.2', true)).toBe('40-enrolled.code.fd');
  expect(await codeOf('aarch64', 'virt-7.2')).toBe('60-arm.code.fd');
  await expect(findFirmware('x86_64', 'pc-i440fx-7.2', true)).rejects.toMatchObject({ code: 'FIRMWARE_OTHER_MACHINE', remedy: expect.stringContaining("'q35'") as string });
});

test('where there is none, the error names the package, and no BIOS is taken instead', async () => {
  describe('10-bios', 'x86_64', ['pc-*'], [], ['bios']);
  await expect(findFirmware('x86_64', 'pc-q35-7.2', false)).rejects.toMatchObject({ code: 'FIRMWARE_NONE', remedy: expect.stringContaining('apt-get install ovmf') as string });
  await expect(findFirmware('aarch64', 'virt-7.2', false)).rejects.toMatchObject({ code: 'FIRMWARE_NONE', remedy: expect.stringContaining('qemu-efi-aarch64') as string });
});
