/**
 * From the place of a `new X({…})` to the place of one of its props, by reading the source. A value keeps only where it was made; this finds
 * the line that people must change. It knows strings, templates, comments and brackets, not the language: where it is unsure, it finds nothing.
 */

export interface Place { readonly line: number; readonly column: number }

/** `source` is the whole file; `line` and `column` (from 1) where the call begins; `field` such as `ssh.username` or `inline[2]`. The deepest part that is written there, or undefined. */
export function locateProp(source: string, line: number, column: number, field: string): Place | undefined {
  try {
    const start = offsetOf(source, line, column);
    const found = start === undefined ? undefined : inCall(source, start, partsOf(field));
    return found === undefined ? undefined : placeOf(source, found);
  } catch {
    return undefined;
  }
}

type Part = string | number;
const partsOf = (field: string): Part[] => [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(m => (m[1] === undefined ? m[2]! : Number(m[1])));

function offsetOf(source: string, line: number, column: number): number | undefined {
  let at = 0;
  for (let n = 1; n < line; n++) {
    at = source.indexOf('\n', at) + 1;
    if (at === 0) return undefined;
  }
  return at + column - 1 <= source.length ? at + column - 1 : undefined;
}

function placeOf(source: string, offset: number): Place {
  const before = source.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** The props are the first object among the arguments that has them. */
function inCall(source: string, start: number, parts: readonly Part[]): number | undefined {
  let at = trivia(source, start);
  for (const callee = /[\w$.\s]|\?\./y; at < source.length && source[at] !== '('; at++) {
    callee.lastIndex = at;
    if (source[at] === '<') { at = skipTypes(source, at) - 1; continue; }
    if (!callee.test(source)) return undefined;
  }
  for (at = trivia(source, at + 1); at < source.length && source[at] !== ')'; at = trivia(source, at + 1)) {
    const found = source[at] === '{' ? inObject(source, at, parts) : undefined;
    if (found !== undefined) return found;
    at = expression(source, at);
    if (source[at] !== ',') return undefined;
  }
  return undefined;
}

function inObject(source: string, open: number, [name, ...rest]: readonly Part[]): number | undefined {
  for (let at = trivia(source, open + 1); at < source.length && source[at] !== '}';) {
    const start = at, key = keyAt(source, at);
    if (key !== undefined) {
      at = trivia(source, key.end);
      if (key.name === name) return source[at] === ':' ? inValue(source, trivia(source, at + 1), rest) ?? start : start;
    }
    at = expression(source, at);
    if (source[at] !== ',') return undefined;
    at = trivia(source, at + 1);
  }
  return undefined;
}

function inList(source: string, open: number, [index, ...rest]: readonly Part[]): number | undefined {
  for (let at = trivia(source, open + 1), n = 0; at < source.length && source[at] !== ']'; n++) {
    // How many elements a spread brings is not written here.
    if (source.startsWith('...', at)) return undefined;
    if (n === index) return inValue(source, at, rest) ?? at;
    at = expression(source, at);
    if (source[at] !== ',') return undefined;
    at = trivia(source, at + 1);
  }
  return undefined;
}

function inValue(source: string, at: number, parts: readonly Part[]): number | undefined {
  if (parts.length === 0) return undefined;
  if (source[at] === '{') return inObject(source, at, parts);
  return source[at] === '[' ? inList(source, at, parts) : undefined;
}

function keyAt(source: string, at: number): { readonly name: string; readonly end: number } | undefined {
  const bare = /[\p{ID_Start}$_][\p{ID_Continue}$]*/uy;
  bare.lastIndex = at;
  const found = bare.exec(source);
  if (found) return { name: found[0], end: bare.lastIndex };
  if (source[at] !== `'` && source[at] !== '"') return undefined;
  const end = skipString(source, at);
  return { name: source.slice(at + 1, end - 1), end };
}

/** Behind blanks and comments. */
function trivia(source: string, at: number): number {
  for (;;) {
    if (/\s/.test(source[at] ?? '')) at++;
    else if (source.startsWith('//', at)) at = until(source, '\n', at);
    else if (source.startsWith('/*', at)) at = until(source, '*/', at + 2);
    else return at;
  }
}

/** The `,` or closing bracket that ends the expression beginning here. */
function expression(source: string, at: number): number {
  let depth = 0, before = '';
  while (at < source.length) {
    const next = trivia(source, at);
    if (next > at) { at = next; continue; }
    const c = source[at]!;
    if (c === `'` || c === '"') at = skipString(source, at);
    else if (c === '`') at = skipTemplate(source, at);
    else if (c === '/' && (before === '' || /[=(,:[!&|?{};+<>~^%*-]/.test(before))) at = skipPattern(source, at);
    else {
      if (depth === 0 && (c === ',' || c === ')' || c === ']' || c === '}')) return at;
      if (c === '(' || c === '[' || c === '{') depth++;
      else if (c === ')' || c === ']' || c === '}') depth--;
      at++;
    }
    before = c;
  }
  return at;
}

function skipString(source: string, at: number): number {
  const quote = source[at]!;
  for (at++; at < source.length && source[at] !== quote && source[at] !== '\n'; at++) if (source[at] === '\\') at++;
  return at + 1;
}

function skipTemplate(source: string, at: number): number {
  for (at++; at < source.length && source[at] !== '`'; at++) {
    if (source[at] === '\\') at++;
    else if (source.startsWith('${', at)) {
      at += 2;
      // What stands in the braces may hold commas: each ends an expression, the brace ends all.
      while (at < source.length && source[at = expression(source, at)] === ',') at++;
    }
  }
  return at + 1;
}

function skipPattern(source: string, at: number): number {
  let inClass = false;
  for (at++; at < source.length && source[at] !== '\n' && (inClass || source[at] !== '/'); at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '[') inClass = true;
    else if (source[at] === ']') inClass = false;
  }
  return at + 1;
}

/** Type arguments: `<'a', B<C>>`. */
function skipTypes(source: string, at: number): number {
  let depth = 0;
  while (at < source.length) {
    const c = source[at]!;
    if (c === `'` || c === '"') { at = skipString(source, at); continue; }
    if (c === '<') depth++;
    else if (c === '>' && source[at - 1] !== '=' && --depth === 0) return at + 1;
    at++;
  }
  return at;
}

function until(source: string, mark: string, at: number): number {
  const found = source.indexOf(mark, at);
  return found < 0 ? source.length : found + mark.length;
}
