import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
/** `good.ts` and `bad.ts` are about the language, `components.ts` about the components that there are. */
const names = ['good.ts', 'bad.ts', 'components.ts'] as const;
const files = names.map(name => fileURLToPath(new URL(`types/${name}`, import.meta.url)));

/** Each `@ts-expect-error NAME: why`, with the line below it. */
interface Case { readonly file: string; readonly name: string; readonly why: string; readonly line: number }
const sources = new Map(files.map(file => [file, ts.sys.readFile(file)!]));
const cases: Case[] = files.flatMap(file => sources.get(file)!.split('\n').flatMap((text, line) => {
  const match = /^\/\/ @ts-expect-error ([\w-]+): (.*)$/.exec(text);
  return match === null ? [] : [{ file, name: match[1]!, why: match[2]!, line: line + 1 }];
}));

let program: ts.Program;
beforeAll(() => {
  const config = ts.getParsedCommandLineOfConfigFile(`${root}/tsconfig.json`, { incremental: false }, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} })!;
  const { tsBuildInfoFile: _, incremental: __, ...options } = config.options;
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  // The directives would swallow the very messages that are looked at.
  host.getSourceFile = (file, version, ...rest) =>
    sources.has(file) ? ts.createSourceFile(file, sources.get(file)!.replaceAll('@ts-expect-error', 'expected'), version) : read(file, version, ...rest);
  program = ts.createProgram(files, options, host);
});

const diagnosticsOf = (file: string): readonly ts.Diagnostic[] => program.getSemanticDiagnostics(program.getSourceFile(file));
const lineOf = (d: ts.Diagnostic): number => ts.getLineAndCharacterOfPosition(d.file!, d.start!).line;

describe.each(names.map((name, i) => [name, files[i]!] as const))('%s', (_, file) => {
  const here = cases.filter(c => c.file === file);

  test('compiles but for the statements that must not, each of which is one error', () => {
    const unexpected = diagnosticsOf(file).filter(d => !here.some(c => c.line === lineOf(d)));
    expect(ts.formatDiagnostics(unexpected, { getCanonicalFileName: f => f, getCurrentDirectory: () => root, getNewLine: () => '\n' })).toBe('');
    expect(diagnosticsOf(file).map(lineOf)).toEqual(here.map(c => c.line));
  });

  if (here.length > 0) test.each(here)('line $line, $name: $why: the message is short and the prop is named', ({ name, line }) => {
    const diagnostic = diagnosticsOf(file).find(d => lineOf(d) === line)!;
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    const place = diagnostic.file!.text.slice(diagnostic.start, diagnostic.start! + diagnostic.length!);
    expect(`${place}\n${message}`).toMatch(new RegExp(`\\b${name}\\b`));
    expect(message.split('\n').length, message).toBeLessThanOrEqual(5);
    expect(message.length, message).toBeLessThanOrEqual(460);
  });
});
