import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AmazonEbsSource, FileProvisioner, QemuSource, ShellProvisioner, SsmParameterPostProcessor } from 'imagebake';
import { Guest, Match, simulate, Template } from 'imagebake/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { app } from './images.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-ami-'));
  cpSync(fileURLToPath(new URL('site', import.meta.url)), join(folder, 'site'), { recursive: true });
  writeFileSync(join(folder, 'debian-12-nocloud-amd64.qcow2'), 'disk');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

test('a disk and an AMI from one build', () => {
  const template = Template.fromApp(app, { folder });
  template.hasNoProblems().hasBuild('web', { sources: ['amazon-ebs', 'qemu'] }).hasSource(QemuSource, { vmName: 'web.qcow2' });
  template.hasSource(AmazonEbsSource, { region: 'eu-central-1', sourceAmiFilter: Match.objectLike({ mostRecent: true }), retention: { family: 'web', keep: 5 } });
  template.hasProvisionersInOrder('web', [ShellProvisioner, FileProvisioner, [ShellProvisioner, { environment: { VERSION: '1.0.0' } }]]);
  template.hasPostProcessor(SsmParameterPostProcessor, { parameter: '/images/web' });
});

test('packages that cannot be installed make neither', async () => {
  const result = await simulate(app, new Guest().on(/apt-get install/, { exit: 100, stderr: 'E: Unable to locate package' }), { folder });
  expect([result.outcome, result.artifacts]).toEqual(['failed', []]);
});
