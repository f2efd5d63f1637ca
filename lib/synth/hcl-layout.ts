/** The layout of `packer fmt`: two spaces, and the equals signs of neighbouring one-line attributes in one column. */

/** An attribute to print: a name, and its value as lines. */
export interface HclAttribute { readonly name: string; readonly lines: readonly string[]; /** A heredoc, whose lines must stay where they are. */ readonly heredoc?: boolean }

/**
 * Lines of attributes, not indented yet. Only one-line attributes that follow each other are aligned. A heredoc stands apart: what formatters
 * do around it differs between versions of Packer.
 */
export function attributeLines(attributes: readonly HclAttribute[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < attributes.length;) {
    let end = i;
    while (end < attributes.length && isPlain(attributes[end]!)) end++;
    const run = attributes.slice(i, end);
    const width = Math.max(0, ...run.map(a => columns(a.name)));
    for (const a of run) out.push(`${a.name}${' '.repeat(width - columns(a.name))} = ${a.lines[0]}`);
    i = end;
    const other = attributes[i];
    if (other === undefined) break;
    if (other.heredoc && i > 0 && out.at(-1) !== '') out.push('');
    out.push(`${other.name} = ${other.lines[0]}`, ...other.lines.slice(1));
    i++;
    if (other.heredoc && i < attributes.length) out.push('');
  }
  return out;
}
const isPlain = (a: HclAttribute): boolean => a.lines.length === 1 && !a.heredoc;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Width as formatters count it: in grapheme clusters. */
function columns(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : [...segmenter.segment(text)].length;
}

/** A line that must not be moved: the inside of a heredoc. Told from others by a mark that no source line can begin with. */
const fixed = '\u0000';
export const fixedLine = (line: string): string => fixed + line;

/** Puts lines one level deeper. Empty lines stay empty, heredocs where they are. */
export function indent(lines: readonly string[]): string[] {
  return lines.map(line => (line === '' || line.startsWith(fixed) ? line : `  ${line}`));
}

/** A block with its header. */
export function blockLines(header: string, body: readonly string[]): string[] {
  return body.length === 0 ? [`${header} {}`] : [`${header} {`, ...indent(body), '}'];
}

/** Sections with an empty line between them. */
export function spaced(sections: readonly (readonly string[])[]): string[] {
  const out: string[] = [];
  for (const section of sections) {
    if (section.length > 0 && out.length > 0) out.push('');
    for (const line of section) out.push(line);
  }
  return out;
}

/** The text of a file. */
export function textOf(lines: readonly string[]): string {
  return lines.map(line => (line.startsWith(fixed) ? line.slice(1) : line)).join('\n') + '\n';
}
