/** The forms in which a secret may turn up in an output: as it is, and as tools encode and quote it. */

/** Shorter secrets cannot be hidden: every other word would be. */
export const shortestSecret = 3;
const shortestLine = 6, shortestEncoding = 4;

export interface Forms {
  /** Looked for as they are. */
  readonly literal: readonly string[];
  /** Base64: tools break it into lines, so line ends inside do not count. */
  readonly wrapped: readonly string[];
}

/** Every form of a secret. Empty for one too short to be hidden. */
export function formsOf(secret: string): Forms {
  const literal = new Set<string>(), wrapped = new Set<string>();
  const trimmed = secret.trim();
  for (const text of new Set([secret, trimmed])) {
    if (text.length < shortestSecret || trimmed.length < shortestSecret) continue;
    for (const form of quoted(text)) literal.add(form);
    for (const bytes of [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')]) for (const form of base64(bytes)) wrapped.add(form);
  }
  if (/[\r\n]/.test(trimmed)) {
    for (const line of trimmed.split(/[\r\n]+/).map(l => l.trim())) if (line.length >= shortestLine) for (const form of quoted(line)) literal.add(form);
  }
  return { literal: [...literal], wrapped: [...wrapped] };
}

function* quoted(text: string): Generator<string> {
  yield text;
  yield text.replace(/\r?\n/g, '\r\n');
  yield text.replaceAll('\n', '\\n');
  const json = JSON.stringify(text).slice(1, -1), ascii = json.replace(/[\u0080-\uffff]/g, unicode);
  yield json;
  yield ascii;
  yield ascii.replace(/\\u[0-9a-f]{4}/g, escape => `\\u${escape.slice(2).toUpperCase()}`);
  yield json.replaceAll('/', '\\/');
  // As jsonencode writes it, safe inside HTML.
  yield json.replace(/[<>&]/g, unicode);
  // JSON inside JSON, as in a state file or a log of a log.
  yield JSON.stringify(json).slice(1, -1);
  const whole = wellFormed(text), url = encodeURIComponent(whole), strict = url.replace(/[!'()*]/g, percent);
  for (const form of [url, strict, url.replaceAll('%20', '+'), strict.replaceAll('%20', '+'), encodeURI(whole)]) {
    yield form;
    yield form.replace(/%[0-9A-F]{2}/g, c => c.toLowerCase());
  }
  yield text.replaceAll(`'`, `'\\''`);
  yield text.replaceAll(`'`, `'"'"'`);
  yield text.replaceAll(`'`, `''`);
  yield text.replace(/[$`"\\]/g, '\\$&');
  yield text.replace(/[$`"\\!]/g, '\\$&');
  yield text.replace(/[^A-Za-z0-9_@%+=:,./\-\u0080-\uffff\n]/g, '\\$&');
  yield text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  yield text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  yield text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
/** Half a character cannot be URL-encoded, and encodeURI throws. */
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
const unicode = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
const percent = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;

/** The characters that a byte sequence has in any base64 that contains it: it may begin at each of three places in a group. */
function* base64(bytes: Buffer): Generator<string> {
  for (let before = 0; before < 3; before++) {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const core = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    if (core.length < shortestEncoding) continue;
    yield core;
    yield core.replaceAll('+', '-').replaceAll('/', '_');
  }
}
