/** Lines as a terminal shows them: what is in them, and how wide they are. */
import { stripVTControlCharacters } from 'node:util';

/** A line as it is to be shown: no escapes, no carriage returns, tabs as spaces. */
export function plainLine(line: string): string {
  const shown = stripVTControlCharacters(line.replace(/\r+$/, ''));
  // Progress bars return to the beginning of their line: the last picture counts.
  return shown.slice(shown.lastIndexOf('\r') + 1).replaceAll('\t', '    ').replace(/[\x00-\x1f\x7f-\x9f]/g, '');
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const c of text) width += charWidth(c.codePointAt(0)!);
  return width;
}

/** Cut to so many columns, with an ellipsis where something is gone. The text has no escapes. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let out = '', width = 0;
  for (const c of text) {
    const w = charWidth(c.codePointAt(0)!);
    if (width + w > columns - 1) break;
    out += c;
    width += w;
  }
  return columns > 0 ? `${out}…` : '';
}

/** Zero for marks that combine, two for East Asian and pictures, one for the rest. */
function charWidth(code: number): number {
  if ((code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  return code >= 0x1100 && (code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f)
    || (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd)) ? 2 : 1;
}
