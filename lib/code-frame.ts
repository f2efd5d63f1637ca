/** The lines of a source around a place, with a mark under it. */

export interface FrameStyle {
  /** Lines shown before and after. @default 2 and 1 */
  readonly before?: number;
  readonly after?: number;
  /** Paint the mark, and all that is not the marked line. Nothing is painted when left out. */
  readonly mark?: (text: string) => string;
  readonly dim?: (text: string) => string;
}

/**
 * The frame as text without a final newline; undefined where the source has no such line. `line` and `column` count from 1.
 *
 *       4 │   sources: [
 *     > 5 │     new QemuSource({ isoURL: 'x' }),
 *         │                      ^
 */
export function codeFrame(source: string, line: number, column: number, { before = 2, after = 1, mark = t => t, dim = t => t }: FrameStyle = {}): string | undefined {
  const lines = source.split(/\r?\n/);
  if (line < 1 || line > lines.length) return undefined;
  const first = Math.max(1, line - before), last = Math.min(lines.length, line + after), width = String(last).length;
  // A bundled line would fill the screen: what is shown of it lies around the mark.
  const from = lines[line - 1]!.length > widest ? Math.max(0, column - Math.floor(widest / 2)) : 0;
  const out: string[] = [];
  for (let n = first; n <= last; n++) {
    const here = n === line, text = shown(lines[n - 1]!, here ? from : 0);
    if (!here && n === last && text.trim() === '') continue;
    const number = String(n).padStart(width);
    out.push((here ? `${mark('>')} ${number} ${dim('│')} ${text}` : dim(`  ${number} │ ${text}`)).trimEnd());
    if (here) out.push(`${dim(`  ${' '.repeat(width)} │`)} ${' '.repeat(widthBefore(lines[n - 1]!, column, from))}${mark('^')}`);
  }
  return out.join('\n');
}

const widest = 160, tab = '  ';

/** Tabs would move the mark away. */
function shown(line: string, from: number): string {
  const text = line.slice(from, from + widest).replaceAll('\t', tab);
  return `${from > 0 ? '…' : ''}${text}${line.length > from + widest ? '…' : ''}`;
}
const widthBefore = (line: string, column: number, from: number): number => line.slice(from, Math.max(from, column - 1)).replaceAll('\t', tab).length + (from > 0 ? 1 : 0);
