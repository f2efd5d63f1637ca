import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const good = fileURLToPath(new URL('types/good.ts', import.meta.url)), bad = fileURLToPath(new URL('types/bad.ts', import.meta.url));

/** Each `@ts-expect-error NAME: why` of bad.ts, with what the compiler says to the statement below it. */
interface Case { readonly name: string; readonly why: string; readonly line: number }
const source = ts.sys.readFile(bad)!;
const cases: Case[] = source.split('\n').flatMap((text, line) => {
  const match = /^\/\/ @ts-expect-error (\w+): (.*)$/.exec(text);
  return match === null ? [] : [{ name: match[1]!, why: match[2]!, line: line + 1 }];
});

let program: ts.Program;
beforeAll(() => {
  const config = ts.getParsedCommandLineOfConfigFile(`${root}/tsconfig.json`, { incremental: false }, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} })!;
  const { tsBuildInfoFile: _, incremental: __, ...options } = config.options;
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  // The directives would swallow the very messages that are looked at.
  host.getSourceFile = (file, version, ...rest) =>
    file === bad ? ts.createSourceFile(file, source.replaceAll('@ts-expect-error', 'expected'), version) : read(file, version, ...rest);
  program = ts.createProgram([good, bad], options, host);
});

const diagnosticsOf = (file: string): readonly ts.Diagnostic[] => program.getSemanticDiagnostics(program.getSourceFile(file));

test('what a program may write compiles', () => {
  expect(ts.formatDiagnostics(diagnosticsOf(good), { getCanonicalFileName: f => f, getCurrentDirectory: () => root, getNewLine: () => '\n' })).toBe('');
});

describe('what a program may not write', () => {
  test('is one error for each statement, and nothing else', () => {
    const lines = diagnosticsOf(bad).map(d => ts.getLineAndCharacterOfPosition(d.file!, d.start!).line);
    expect(lines).toEqual(cases.map(c => c.line));
  });

  test.each(cases)('line $line, $name: $why: the message is short and the prop is named', ({ name, line }) => {
    const diagnostic = diagnosticsOf(bad).find(d => ts.getLineAndCharacterOfPosition(d.file!, d.start!).line === line)!;
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    const place = diagnostic.file!.text.slice(diagnostic.start, diagnostic.start! + diagnostic.length!);
    expect(`${place}\n${message}`).toMatch(new RegExp(`\\b${name}\\b`));
    expect(message.split('\n').length, message).toBeLessThanOrEqual(5);
    expect(message.length, message).toBeLessThanOrEqual(440);
  });
});
