/** What Packer itself makes of an exported program is what we make of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  App, ChecksumPostProcessor, DockerSource, DockerTagPostProcessor, FileProvisioner, FileSource, ImageBuild, ManifestPostProcessor, NullSource, ShellLocalPostProcessor, ShellLocalProvisioner, ShellProvisioner, text, upper, Variable,
} from '../../lib/index.js';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { baseImage } from '../support/base.js';
import { requires } from '../support/machine.js';
import { inFolder, packer } from '../support/packer.js';
import { outputOf, program, type TestProgram } from '../support/program.js';

type Describe = (app: App, folder: string) => void;
const write = (folder: string, files: { readonly [name: string]: string }): void => {
  for (const [name, content] of Object.entries(files)) { mkdirSync(dirname(join(folder, name)), { recursive: true }); writeFileSync(join(folder, name), content, { mode: name.endsWith('.sh') ? 0o755 : 0o644 }); }
};

/** Builds a program with our runtime, and its export with Packer, each in a folder of its own; hands both over. */
async function both(format: 'HCL' | 'JSON', inputs: { readonly [name: string]: string }, tell: Describe, compare: (ours: TestProgram, theirs: { readonly folder: string; readonly output: string }) => Promise<void> | void): Promise<void> {
  const ours = await program((app, folder) => { write(folder, inputs); tell(app, folder); });
  const result = await ours.run();
  expect(result.targets.map(t => t.error?.message ?? t.outcome)).toEqual(result.targets.map(() => 'done'));
  await inFolder(inputs, async folder => {
    const app = new App();
    tell(app, folder);
    const { files, problems } = format === 'HCL' ? toPackerHcl(app, { folder, split: true }) : toPackerJson(app, { folder });
    expect(problems.filter(p => p.severity === 'error')).toEqual([]);
    const { 'plugins.pkr.hcl': _plugins, ...template } = files;
    write(folder, template);
    const { code, output } = await packer('packer', ['build', '-parallel-builds=1', format === 'HCL' ? '.' : Object.keys(template)[0]!], folder);
    expect(code, output).toBe(0);
    await compare(ours, { folder, output });
  });
}

/**
 * A manifest without what differs from run to run. JSON templates name a build by its source, ours and HCL's by its ImageBuild; a file is called by
 * its path here, where Packer says 'File' of each.
 */
function manifestOf(text: string): unknown {
  const { builds, last_run_uuid } = JSON.parse(text) as { builds: { [key: string]: any }[]; last_run_uuid: string };
  expect(new Set(builds.map(b => b['packer_run_uuid']))).toEqual(new Set([last_run_uuid]));
  return builds.map(({ packer_run_uuid: _run, build_time, ...rest }) => ({ ...rest, build_time: typeof build_time, name: 'web', artifact_id: rest['builder_type'] === 'file' ? 'File' : rest['artifact_id'] }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

requires('packer')('files and steps on this computer', () => {
  describe.each(['HCL', 'JSON'] as const)('exported as %s', format => {
    test('Packer makes the same artifacts, checksums and manifest', { timeout: 180_000 }, async () => {
      const nasty = 'a "quoted" line\\n with ${braces}, %{directives}, `backquotes`, {{ .Templates }} and \t tabs\ngrün, 日本, 🎉\n$${x}\n';
      await both(format, { 'steps/mark.sh': '#!/bin/sh\necho marked > marked.txt\n' }, app => {
        const version = new Variable(app, 'version', { default: '1.2.3' });
        new ImageBuild(app, 'web', {
          sources: [new FileSource({ content: text`${nasty}version ${upper(version)}\n`, target: 'out/web.txt' }), new NullSource()],
          provisioners: [
            new ShellLocalProvisioner({ inline: [text`echo ${version} >> steps.txt`], only: ['null'] }),
            new ShellLocalProvisioner({ inline: ['echo "it\'s" >> steps.txt', "echo '{{done}}' >> steps.txt"], only: ['null'] }),
            new ShellLocalProvisioner({ script: 'steps/mark.sh', only: ['null'] }),
          ],
          postProcessors: [
            [new ChecksumPostProcessor({ checksumTypes: ['sha256'], output: 'out/{{.ChecksumType}}.txt', only: ['file'] }), new ManifestPostProcessor({ output: 'checked.json', only: ['file'] })],
            new ManifestPostProcessor({ output: 'manifest.json', customData: { version } }),
            new ShellLocalPostProcessor({ inline: [text`echo after ${version} >> steps.txt`], only: ['null'] }),
          ],
        });
      }, async (ours, theirs) => {
        const read = (file: string): string => readFileSync(join(theirs.folder, file), 'utf8');
        for (const file of ['out/web.txt', 'out/sha256.txt', 'steps.txt', 'marked.txt']) expect(read(file), file).toBe(await ours.read(file));
        for (const file of ['manifest.json', 'checked.json']) expect(manifestOf(read(file)), file).toEqual(manifestOf(await ours.read(file)));
      });
    });
  });
});

requires('packer', 'docker', 'docker-cli', 'base')('a container', () => {
  const repository = `imagebake-test-${process.pid}`;
  let image: string;
  beforeAll(async () => { image = await baseImage(); });
  afterAll(() => {
    const ids = docker('images', '-q', '--no-trunc', '--filter', `reference=${repository}*`).split('\n').filter(id => id !== '');
    if (ids.length > 0) docker('rmi', '--force', ...new Set(ids));
  });
  const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' });

  test('Packer makes the same image of an exported program', { timeout: 300_000 }, async () => {
    const tell = (tag: string): Describe => app => {
      const version = new Variable(app, 'version', { default: '1.2.3' });
      new ImageBuild(app, 'web', {
        sources: [new DockerSource({ image, pull: false, commit: true, changes: ['ENV COLOUR=blue', 'EXPOSE 8080', 'ENTRYPOINT ["/bin/cat"]', 'CMD ["/srv/version"]'] })],
        provisioners: [
          new FileProvisioner({ source: 'site/index.html', destination: '/srv/index.html' }),
          new ShellProvisioner({ inline: [text`echo "version ${version}" > /srv/version`] }),
          new ShellProvisioner({ inline: ["echo '{{literal}}' >> /srv/version"] }),
        ],
        postProcessors: [[new DockerTagPostProcessor({ repository, tags: [tag, version] }), new ManifestPostProcessor({ output: 'manifest.json' })]],
      });
    };
    const inspected = (tag: string): unknown => {
      const { Config: c } = (JSON.parse(docker('inspect', `${repository}:${tag}`)) as { Config: { [key: string]: unknown } }[])[0]!;
      return { Env: c['Env'], ExposedPorts: c['ExposedPorts'], Entrypoint: c['Entrypoint'], Cmd: c['Cmd'], WorkingDir: c['WorkingDir'], User: c['User'] };
    };
    const printed = (tag: string): string => docker('run', '--rm', '--network', 'none', `${repository}:${tag}`, '/srv/version', '/srv/index.html');
    const inputs = { 'site/index.html': '<h1>Hello</h1>\n' };

    const ours = await program((app, folder) => { write(folder, inputs); tell('ours')(app, folder); });
    expect((await ours.run()).outcome, outputOf(ours.events)).toBe('done');
    await inFolder(inputs, async folder => {
      const app = new App();
      tell('theirs')(app, folder);
      const { 'plugins.pkr.hcl': _plugins, ...template } = toPackerHcl(app, { folder, split: true }).files;
      write(folder, template);
      const { code, output } = await packer('packer', ['build', '.'], folder, { HOME: process.env['HOME'] });
      expect(code, output).toBe(0);
      expect(printed('theirs')).toBe(printed('ours'));
      expect(printed('ours')).toBe('version 1.2.3\n{{literal}}\n<h1>Hello</h1>\n');
      expect(inspected('theirs')).toEqual(inspected('ours'));
      const shape = (manifest: string): unknown => (manifestOf(manifest) as { [key: string]: unknown }[]).map(b => ({ ...b, artifact_id: String(b['artifact_id']).replace(/:(ours|theirs)$/, ':tag') }));
      expect(shape(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toEqual(shape(await ours.read('manifest.json')));
    });
  });
});
