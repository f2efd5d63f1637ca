import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileProvisioner, QemuSource, ShellProvisioner } from 'imagebake';
import { Guest, simulate, Template } from 'imagebake/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { app } from './images.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-debian-'));
  cpSync(fileURLToPath(new URL('files', import.meta.url)), join(folder, 'files'), { recursive: true });
  writeFileSync(join(folder, 'base.qcow2'), 'disk');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

test('without a container image to start from there is only the disk', () => {
  Template.fromApp(app, { folder }).hasNoProblems().hasBuild('debian', { sources: ['qemu'] }).hasSource(QemuSource, { diskImage: 'base.qcow2', vmName: 'debian.qcow2' });
});

test('the greeting is written before the system adds its name', async () => {
  Template.fromApp(app, { folder }).hasProvisionersInOrder('debian', [FileProvisioner, ShellProvisioner]);
  const result = await simulate(app, new Guest().on('uname -r', { stdout: '6.1.0\n' }), { folder });
  expect([result.outcome, result.output()]).toEqual(['done', '6.1.0\n']);
  expect(result.file('debian/qemu', '/etc/motd')).toBeDefined();
});
