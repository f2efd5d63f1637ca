/** Reads `.env` files: `NAME=value` lines, with comments, quotes and `export`. */
import { errors, exitCodes } from './errors.js';

const fail = errors('ENV_FILE', {
  SYNTAX: {
    message: (from: string, line: number, wrong: string) => `${from}:${line}: ${wrong}`,
    remedy: 'A .env file holds lines of the form NAME=value; a value with spaces at its ends, # or several lines stands in quotes.',
    exit: exitCodes.usage,
  },
});

/**
 * The values of a file, by name. `'…'` is taken as it is; in `"…"` the escapes \n, \r, \t, \" and \\ count; both may span lines. What
 * stands bare ends at ` #` or at the line's end. `from` names the file in messages. Throws ENV_FILE_SYNTAX.
 */
export function parseEnvFile(text: string, from: string): { readonly [name: string]: string } {
  const out = new Map<string, string>();
  const source = text.replace(/^\uFEFF/, '');
  const line = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?:'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^'"\r\n][^\r\n]*|))[ \t]*(?:#[^\r\n]*)?(?:\r?\n|$)/y;
  const blank = /[ \t]*(?:#[^\r\n]*)?(?:\r?\n|$)/y;
  for (let at = 0; at < source.length;) {
    blank.lastIndex = line.lastIndex = at;
    if (blank.exec(source) !== null && blank.lastIndex > at) { at = blank.lastIndex; continue; }
    const found = line.exec(source);
    if (found === null) throw wrongLine(source, at, from);
    const [, name, single, double, bare] = found;
    out.set(name!, single ?? (double !== undefined ? double.replace(/\\([\s\S])/g, (whole, c: string) => escapes[c] ?? whole) : bare!.replace(/(^|[ \t])#.*$/, '').trimEnd()));
    at = line.lastIndex;
  }
  return Object.fromEntries(out);
}

const escapes: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$', '`': '`' };

/** The line's text is not shown: it may hold a secret. */
function wrongLine(source: string, at: number, from: string): Error {
  const line = source.slice(0, at).split('\n').length, end = source.indexOf('\n', at);
  const text = source.slice(at, end < 0 ? undefined : end);
  const wrong = !text.includes('=') ? `'=' is missing` : /=\s*['"]/.test(text) ? 'the quote is never closed, or something follows it' : 'this is no name and no value';
  return fail.SYNTAX(from, line, wrong);
}
