/** That any text and any expression means the same to Packer as to us. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { App, FileSource, ImageBuild, Variable } from '../../lib/index.js';
import { evaluate } from '../../lib/evaluate.js';
import type { Json } from '../../lib/json.js';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { hclExpr } from '../../lib/synth/packer-expr-hcl.js';
import type { Names } from '../../lib/synth/packer-body.js';
import type { Expr } from '../../lib/values.js';
import { requires } from '../support/machine.js';
import { inFolder, packer } from '../support/packer.js';
import { anyText } from '../synth/packer-trees.js';

const seed = Number(process.env['BAKE_SEED'] ?? 1);

requires('packer')('texts, by what Packer writes into files', () => {
  // HCL holds text in normal form C, and Packer drops the mark at a text's beginning.
  const texts = fc.sample(anyText, { numRuns: 30, seed }).concat(['{{', '{{ .Vars }} }}', '$', '$${', '${x}$', '%%{', '\\', 'a\r\nb\r\nc\r\nd\r\n', ' x\n\n\n y\n', '\tx\n}}\n{{`\n`\n']).map(t => t.normalize('NFC'));
  test.each([['HCL', toPackerHcl], ['JSON', toPackerJson]] as const)('%s: each file has the bytes it should', { timeout: 180_000 }, async (format, print) => {
    const app = new App();
    new ImageBuild(app, 'texts', { sources: texts.map((content, i) => new FileSource({ name: `t${i}`, content: `<${content}>\n${content}`, target: `out/${i}` })) });
    const { files, problems } = print(app, { folder: '/nowhere' });
    expect(problems).toEqual([]);
    await inFolder(files, async folder => {
      const { code, output } = await packer('packer', ['build', '-parallel-builds=2', format === 'HCL' ? 'packer.pkr.hcl' : 'texts.json'], folder);
      expect(code, output).toBe(0);
      expect(texts.map((_, i) => readFileSync(join(folder, `out/${i}`), 'utf8'))).toEqual(texts.map(content => `<${content}>\n${content}`));
    });
  });
});

requires('packer')('expressions, by what packer console says', () => {
  const variables: { readonly [name: string]: Json } = { word: 'Grün & "co"', number: 42, yes: true, no: false, list: ['b', 'a', 'ü'], map: { 'key one': 'v', k: 'w' } };
  const literal = (value: Json): Expr => ({ op: 'value', value });
  const plain = fc.string({ unit: fc.constantFrom('a', 'B', 'é', ' ', '-', '.', ',', '$', '{', '}', '%', '"', '\\', '~'), maxLength: 8 });
  const text = fc.letrec<{ text: Expr; flag: Expr; list: Expr }>(tie => ({
    text: fc.oneof({ maxDepth: 4, withCrossShrink: true },
      plain.map(literal), fc.constantFrom<Expr>({ op: 'variable', name: 'word' }, { op: 'variable', name: 'number' }, { op: 'member', of: { op: 'variable', name: 'map' }, key: 'key one' }, { op: 'member', of: { op: 'variable', name: 'list' }, key: 1 }),
      fc.array(tie('text'), { minLength: 1, maxLength: 3 }).map((parts): Expr => ({ op: 'template', parts })),
      fc.tuple(fc.constantFrom('upper', 'lower', 'trim', 'base64Encode', 'sha256'), tie('text')).map(([name, arg]): Expr => ({ op: 'call', function: name, args: [{ op: 'template', parts: [arg, literal('x')] }] })),
      fc.tuple(tie('text'), fc.constantFrom('a', '-', 'é'), plain).map(([arg, from, to]): Expr => ({ op: 'call', function: 'replace', args: [{ op: 'template', parts: [arg, literal('')] }, literal(from), literal(to)] })),
      fc.tuple(fc.constantFrom(', ', '-'), tie('list')).map(([by, list]): Expr => ({ op: 'call', function: 'join', args: [literal(by), list] })),
      tie('list').map((list): Expr => ({ op: 'call', function: 'jsonEncode', args: [list] })),
      fc.tuple(tie('flag'), tie('text'), tie('text')).map(([condition, then, otherwise]): Expr => ({ op: 'when', condition, then, else: otherwise })),
    ),
    flag: fc.constantFrom<Expr>({ op: 'variable', name: 'yes' }, { op: 'variable', name: 'no' }, literal(true)),
    list: fc.oneof(fc.constant<Expr>({ op: 'variable', name: 'list' }), fc.array(plain, { minLength: 1, maxLength: 3 }).map(l => literal(l)), tie('text').map((arg): Expr => ({ op: 'call', function: 'split', args: [literal('-'), { op: 'template', parts: [arg, literal('')] }] }))),
  })).text;

  test('it evaluates to what we evaluate to', { timeout: 120_000 }, async () => {
    const app = new App();
    for (const [name, value] of Object.entries(variables)) new Variable(app, name, { default: value as string });
    const names = { variable: (name: string) => name } as Names;
    // In base64, and never empty: the console quotes and breaks lines in its own way.
    const expressions = fc.sample(text, { numRuns: 150, seed }).map((e): Expr => ({ op: 'call', function: 'base64Encode', args: [{ op: 'template', parts: [literal('|'), e] }] }));
    const said = await inFolder(toPackerHcl(app).files, folder => new Promise<string>((resolve, reject) => {
      const child = spawn('packer', ['console', '.'], { cwd: folder, env: { ...process.env, CHECKPOINT_DISABLE: '1', PACKER_CONFIG_DIR: folder }, stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => { output += chunk; });
      child.on('error', reject).on('close', () => resolve(output));
      child.stdin.end(`${expressions.map(e => hclExpr(e, { names, place: 'step' })).join('\n')}\n`);
    }));
    const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
    expect(said.trim().split('\n').map(decode)).toEqual(expressions.map(e => decode(evaluate(e, { variable: name => variables[name] }) as string)));
  });
});
