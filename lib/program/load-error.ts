/** What a program's import can fail with, in words, with the place: syntax, modules that are not there, and whatever the program throws. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BakeError, errors, exitCodes, isBakeError, messageOf } from '../errors.js';
import { formatLocation, type Location, userLocation } from '../location.js';
import { formatProblem, type Problem } from '../problems.js';
import { suggest } from '../suggest.js';

const { problems: exit } = exitCodes;
const says = (problem: Problem): string => formatProblem(problem);
const fail = errors('PROGRAM', {
  SYNTAX: { message: says, explain: 'The file could not be read as TypeScript or JavaScript; nothing of it ran.', exit },
  THREW: { message: says, explain: 'The program ended with an error of its own before the builds could be read.', exit },
  MISSING_MODULE: { message: says, explain: 'An import of the program names a file or a package that is not there.', exit },
  MISSING_EXPORT: { message: says, explain: 'An import takes a name that the module does not export.', exit },
});

/** Makes a BakeError with the problem and its place of whatever `import(file)` threw. `folder` is what places are shown relative to. */
export async function explainLoadError(error: unknown, file: string, folder: string): Promise<BakeError> {
  const raise = (kind: keyof typeof fail, message: string, remedy: string | undefined, at: Location | undefined, code = `PROGRAM_${kind}`): BakeError => {
    const problem: Problem = {
      code, severity: 'error', path: '', message, ...(remedy === undefined ? {} : { remedy }), ...(at === undefined ? {} : { at: formatLocation(at, folder) }),
    };
    return fail[kind](problem, { cause: error, problems: [problem], facts: { folder }, ...(isBakeError(error) ? { exit: error.exit } : {}) });
  };
  if (isBakeError(error) && error.problems.length > 0) return error;
  const { name, code, stack = '', message = messageOf(error) } = (error ?? {}) as { name?: string; code?: string; stack?: string; message?: string };

  const transform = /^(.*):(\d+):(\d+): ERROR: (.*)$/m.exec(message);
  if (transform && (name === 'TransformError' || message.startsWith('Transform failed'))) {
    const [, path, line, column, wrong] = transform;
    const place = { file: path!, line: Number(line), column: Number(column) + 1 };
    // What tsx takes for CommonJS cannot await at its top.
    if (/with the "cjs" output format/.test(wrong!)) return raise('SYNTAX', `the file is read as CommonJS, and await stands outside of a function`, `Say that the package holds modules: npm pkg set type=module. Or call the file ${basename(path!).replace(/\.([jt]s)$/, '.m$1')}.`, place);
    return raise('SYNTAX', sentence(wrong!), 'Mend the line.', place);
  }
  const missing = /^Cannot find (package|module) '(.+?)' imported from (.+)$/m.exec(message);
  if (code === 'ERR_MODULE_NOT_FOUND' && missing) return missingModule(missing[2]!, plainPath(missing[3]!), raise);
  const closed = /^(?:No "exports" main|Package subpath '\.(.*?)').* in (.*?)[\\/]package\.json(?: imported from (.+))?$/m.exec(message);
  if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' && closed) {
    const name = closed[2]!.replace(/^.*node_modules[\\/]/, ''), specifier = name + (closed[1] ?? ''), from = plainPath(closed[3] ?? file);
    return raise('MISSING_MODULE', `the package '${name}' has no '${specifier}'`, 'Look at what the package exports.', whereImported(from, spec => spec === specifier)?.at);
  }
  const noExport = /^The requested module '(.+?)' does not provide an export named '(.+?)'/m.exec(message);
  if (name === 'SyntaxError' && noExport) return missingExport(noExport[1]!, noExport[2]!, stack, file, raise);
  if (name === 'SyntaxError' && userLocation(error as Error) === undefined) {
    const found = syntaxErrorIn(file, new Set());
    return raise('SYNTAX', sentence(message), 'Mend the line.', found);
  }
  const at = error instanceof Error || typeof stack === 'string' ? userLocation({ stack } as Error) : undefined;
  if (isBakeError(error)) return raise('THREW', message, error.remedy, at, error.code);
  const twice = /^There is already a Construct with name '(.*)' in (?:\S+)(?: \[(.*)\])?$/.exec(message);
  if (twice) return raise('THREW', `there is already something called '${twice[1]}' in ${twice[2] === undefined ? 'this App' : `'${twice[2]}'`}`, 'Give one of them another id.', at);
  const thrown = error instanceof Error || name !== undefined ? `${name === undefined || name === 'Error' ? '' : `${name}: `}${message}` : `the program threw ${typeof error === 'string' ? `'${error}'` : String(error)}`;
  return raise('THREW', thrown, undefined, at);
}

type Raise = (kind: keyof typeof fail, message: string, remedy: string | undefined, at: Location | undefined) => BakeError;

function missingModule(wanted: string, importer: string, raise: Raise): BakeError {
  const isFile = /^([\\/]|[A-Za-z]:[\\/]|file:)/.test(wanted), path = plainPath(wanted), stem = (p: string): string => basename(p).replace(/\.[cm]?[jt]sx?$/, '');
  const found = whereImported(importer, spec => (isFile ? spec.startsWith('.') || spec.startsWith('/') || spec.startsWith('file:') ? stem(spec) === stem(path) : false : spec === wanted || spec.startsWith(`${wanted}/`)));
  if (!isFile) return raise('MISSING_MODULE', `there is no package '${wanted}' here`, `Install it: npm install ${wanted}`, found?.at);
  let near: string | undefined;
  try { near = suggest(stem(path), readdirSync(dirname(path)).filter(n => /\.[cm]?[jt]sx?$/.test(n)).map(stem)); } catch { /* the folder is missing too */ }
  const shown = found?.specifier ?? basename(path);
  return raise('MISSING_MODULE', `there is no file '${shown}'`, near === undefined ? 'It is looked for beside the file that imports it.' : `Did you mean '${shown.replace(stem(shown), near)}'?`, found?.at);
}

async function missingExport(specifier: string, name: string, stack: string, file: string, raise: Raise): Promise<BakeError> {
  const head = /^((?:file:\/\/)?\/[^\n]*?|[A-Za-z]:[^\n]*?):\d+\n/.exec(stack), importer = head ? plainPath(head[1]!) : file;
  const names = specifier === 'imagebake' ? Object.keys(await import('../index.js')) : [];
  const near = suggest(name, names), at = whereImported(importer, spec => spec === specifier, name)?.at;
  return raise('MISSING_EXPORT', `'${specifier}' has no '${name}'`, near !== undefined ? `Did you mean '${near}'?` : 'Look at what the module exports; a type is imported with import type.', at);
}

/** Where a file imports something: the line of the specifier, or of a name before it. */
function whereImported(file: string, fits: (specifier: string) => boolean, name?: string): { readonly specifier: string; readonly at: Location } | undefined {
  let text: string;
  try { text = readFileSync(file, 'utf8'); } catch { return undefined; }
  for (const match of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]+)\1/g)) {
    const specifier = match[2]!;
    if (!fits(specifier)) continue;
    const statement = text.lastIndexOf('import', match.index), named = name === undefined ? -1 : text.slice(statement, match.index).search(new RegExp(`\\b${name.replace(/[^\w$]/g, '\\$&')}\\b`));
    const offset = named >= 0 ? statement + named : match.index + match[0].lastIndexOf(specifier) - 1;
    const before = text.slice(0, offset);
    return { specifier, at: { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') } };
  }
  return undefined;
}

/** V8 keeps the place of a syntax error to itself, but `node --check` prints it. Looks at the file, then at the JavaScript files it imports. */
function syntaxErrorIn(file: string, seen: Set<string>): Location | undefined {
  if (seen.has(file) || seen.size > 40 || !/\.m?js$/.test(file) || !existsSync(file)) return undefined;
  seen.add(file);
  try {
    execFileSync(process.execPath, ['--check', file], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 20_000, env: { ...process.env, NODE_OPTIONS: '' } });
  } catch (error) {
    const found = /:(\d+)\n.*\n( *)\^/.exec(String((error as { stderr?: string }).stderr));
    return found ? { file, line: Number(found[1]), column: found[2]!.length + 1 } : undefined;
  }
  for (const [, , specifier] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*(['"])(\.[^'"\n]+)\1/g)) {
    const found = syntaxErrorIn(join(dirname(file), specifier!), seen);
    if (found) return found;
  }
  return undefined;
}

const plainPath = (path: string): string => (path.startsWith('file:') ? fileURLToPath(path) : path);
/** esbuild's and V8's messages begin with a capital; ours begin as the middle of a sentence. */
const sentence = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, '');
