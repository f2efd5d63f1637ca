/** Reads HCL files that hold values only (`name = value`), as Packer's `.pkrvars.hcl` do. Templates of Packer are another matter: see lib/import. */
import { errors, exitCodes } from './errors.js';
import type { Json } from './json.js';

const fail = errors('HCL', {
  SYNTAX: {
    message: (from: string, line: number, column: number, wrong: string) => `${from}:${line}:${column}: ${wrong}`,
    remedy: 'A variable file holds lines of the form name = value, with plain values: "text", 3, true, [a list], { an = "object" }.',
    explain: 'A `.pkrvars.hcl` file is read without evaluating anything: expressions, functions and references are no values.',
    exit: exitCodes.usage,
  },
});

/** The values of a file, by name, in its order. `from` names it in messages. Throws HCL_SYNTAX with the line and column. */
export function parseHclValues(text: string, from: string): { readonly [name: string]: Json } {
  return new Reader(text.replace(/^\uFEFF/, ''), from).file();
}

const identifier = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const number = /-?\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const labels = /(?:"[^"\n]*"[ \t]*)*\{/y;
const simpleEscapes: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

class Reader {
  #at = 0;
  constructor(readonly text: string, readonly from: string) {}

  file(): { readonly [name: string]: Json } {
    const out = new Map<string, Json>();
    for (this.#space(true); this.#at < this.text.length; this.#space(true)) {
      const start = this.#at, name = this.#match(identifier) ?? (this.text[this.#at] === '"' ? this.#string() : this.#wrong('a name is expected here'));
      if (out.has(name)) this.#wrong(`'${name}' is given twice`, start);
      this.#space(false);
      if (this.#match(labels) !== undefined) this.#wrong(`'${name}' begins a block, and a variable file has none`, start);
      this.#take('=', `'=' is expected after '${name}'`);
      this.#space(false);
      out.set(name, this.#value());
      this.#space(false);
      if (this.#at < this.text.length && !/[\r\n]/.test(this.text[this.#at]!)) this.#wrong(`a new line is expected after the value of '${name}'`);
    }
    return Object.fromEntries(out);
  }

  #value(): Json {
    const c = this.text[this.#at];
    if (c === '"') return this.#string();
    if (c === '[') return this.#list();
    if (c === '{') return this.#object();
    if (c === '(') {
      this.#at++;
      this.#space(true);
      const value = this.#value();
      this.#space(true);
      this.#take(')', `')' is expected here`);
      return value;
    }
    if (this.text.startsWith('<<', this.#at)) return this.#heredoc();
    const digits = this.#match(number);
    if (digits !== undefined) return Number(digits.replace(/\s/g, ''));
    const start = this.#at, word = this.#match(identifier);
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (word !== undefined) this.#wrong(`'${word}' is no value; text stands in quotes: "${word}"`, start);
    return this.#wrong('a value is expected here');
  }

  #list(): Json {
    const out: Json[] = [];
    this.#at++;
    for (this.#space(true); this.text[this.#at] !== ']'; this.#space(true)) {
      if (this.text.startsWith('for', this.#at) && /\s/.test(this.text[this.#at + 3] ?? '')) this.#wrong(`'for' is an expression, and values are plain here`);
      out.push(this.#value());
      this.#space(true);
      if (this.text[this.#at] === ',') this.#at++;
      else if (this.text[this.#at] !== ']') this.#wrong(`',' or ']' is expected here`);
    }
    this.#at++;
    return out;
  }

  #object(): Json {
    const out = new Map<string, Json>();
    this.#at++;
    for (this.#space(true); this.text[this.#at] !== '}'; this.#space(true)) {
      const key = this.text[this.#at] === '"' ? this.#string() : this.#match(identifier) ?? this.#match(number) ?? this.#wrong(`a name or '}' is expected here`);
      this.#space(false);
      if (this.text[this.#at] !== '=' && this.text[this.#at] !== ':') this.#wrong(`'=' is expected after '${key}'`);
      this.#at++;
      this.#space(true);
      out.set(key, this.#value());
      const end = this.#at;
      this.#space(false);
      if (this.text[this.#at] === ',') this.#at++;
      else if (this.text[this.#at] !== '}' && !/[\r\n]/.test(this.text[this.#at] ?? '') && !this.text.slice(end, this.#at).includes('\n')) this.#wrong(`',', a new line or '}' is expected here`);
    }
    this.#at++;
    return Object.fromEntries(out);
  }

  #string(): string {
    const start = this.#at++;
    for (let out = ''; ;) {
      const c = this.text[this.#at];
      if (c === undefined || c === '\n' || c === '\r') return this.#wrong('this text has no closing quote', start);
      if (c === '"') { this.#at++; return out; }
      if (c === '\\') { out += this.#escape(); continue; }
      const marker = this.#marker();
      out += marker ?? c;
      if (marker === undefined) this.#at++;
    }
  }

  #escape(): string {
    const start = this.#at, letter = this.text[start + 1] ?? '';
    if (letter === 'u' || letter === 'U') {
      const digits = this.text.slice(start + 2, start + 2 + (letter === 'u' ? 4 : 8)), code = Number.parseInt(digits, 16);
      if (!(letter === 'u' ? /^[0-9a-fA-F]{4}$/ : /^[0-9a-fA-F]{8}$/).test(digits) || code > 0x10ffff) this.#wrong(`\\${letter} takes ${letter === 'u' ? 4 : 8} hexadecimal digits of a character`, start);
      this.#at += 2 + digits.length;
      return String.fromCodePoint(code);
    }
    if (!Object.hasOwn(simpleEscapes, letter)) this.#wrong(`'\\${letter}' is no escape; a backslash is written '\\\\'`, start);
    this.#at += 2;
    return simpleEscapes[letter]!;
  }

  /** `$${` and `%%{` stand for themselves, with one sign less; a single `${` would be an expression. */
  #marker(): string | undefined {
    const c = this.text[this.#at]!;
    if (c !== '$' && c !== '%') return undefined;
    if (this.text.startsWith(`${c}${c}{`, this.#at)) { this.#at += 3; return `${c}{`; }
    if (this.text[this.#at + 1] === '{') this.#wrong(`'${c}{' begins an expression, and values are plain here; the characters themselves are written '${c}${c}{'`);
    return undefined;
  }

  #heredoc(): string {
    const start = this.#at, head = /<<(-?)([\p{ID_Start}_][\p{ID_Continue}-]*)[ \t]*\r?\n/uy;
    head.lastIndex = start;
    const found = head.exec(this.text);
    if (!found) return this.#wrong(`'<<' is followed by a word and a new line`);
    const lines: string[] = [];
    for (this.#at = head.lastIndex; ;) {
      if (this.#at >= this.text.length) this.#wrong(`this text never ends: a line with ${found[2]} alone is missing`, start);
      const end = this.text.indexOf('\n', this.#at), next = end < 0 ? this.text.length : end + 1;
      const line = this.text.slice(this.#at, next);
      if (line.trim() === found[2]) { this.#at += line.trimEnd().length; break; }
      lines.push(this.#line(next));
    }
    if (found[1] === '') return lines.join('');
    const indents = lines.filter(l => l.trim() !== '').map(l => /^[ \t]*/.exec(l)![0].length), least = indents.length === 0 ? 0 : Math.min(...indents);
    return lines.map(l => l.slice(Math.min(least, /^[ \t]*/.exec(l)![0].length))).join('');
  }

  #line(end: number): string {
    let out = '';
    while (this.#at < end) {
      const marker = this.#marker();
      out += marker ?? this.text[this.#at++]!;
    }
    return out;
  }

  /** Blanks and comments; line ends too, where `lines` says so. */
  #space(lines: boolean): void {
    for (;;) {
      const blank = lines ? /[\s\uFEFF]*/y : /[ \t]*/y;
      blank.lastIndex = this.#at;
      blank.exec(this.text);
      this.#at = blank.lastIndex;
      if (this.text[this.#at] === '#' || this.text.startsWith('//', this.#at)) {
        const end = this.text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.text.length : end;
      } else if (this.text.startsWith('/*', this.#at)) {
        const end = this.text.indexOf('*/', this.#at + 2);
        if (end < 0) this.#wrong('this comment never ends');
        this.#at = end + 2;
      } else return;
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #take(token: string, otherwise: string): void {
    if (!this.text.startsWith(token, this.#at)) this.#wrong(otherwise);
    this.#at += token.length;
  }

  #wrong(what: string, at = this.#at): never {
    const before = this.text.slice(0, at), line = before.split('\n').length;
    throw fail.SYNTAX(this.from, line, at - before.lastIndexOf('\n'), what);
  }
}
