/** The sources as the compiler sees them, and what their comments say. */
import { fileURLToPath } from 'node:url';
import { type Node, Project, type Symbol as TsSymbol, type Type } from 'ts-morph';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Only what the public modules reach is loaded. */
export function openSources(): Project {
  const project = new Project({ tsConfigFilePath: `${root}tsconfig.json`, skipAddingFilesFromTsConfig: true });
  for (const entry of ['index', 'kit', 'testing/index', 'policies/index', 'runtime/index']) project.addSourceFileAtPath(`${root}lib/${entry}.ts`);
  project.resolveSourceFileDependencies();
  return project;
}

/** A comment: its text on one line, and what stands after @default. */
export interface Comment { readonly text: string; readonly default?: string }

export function commentOf(symbol: TsSymbol | undefined, at: Node): Comment {
  if (symbol === undefined) return { text: '' };
  const checker = at.getProject().getTypeChecker().compilerObject;
  const text = symbol.compilerSymbol.getDocumentationComment(checker).map(part => part.text).join('');
  const fallback = symbol.compilerSymbol.getJsDocTags(checker).find(tag => tag.name === 'default')?.text?.map(part => part.text).join('');
  return { text: oneLine(text), ...(fallback === undefined ? {} : { default: oneLine(fallback) }) };
}

export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
/** Inside of a table, `|` would end the cell. */
export const cell = (text: string): string => oneLine(text).replaceAll('|', '\\|');
export const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``);

/** The members of an optional object, or of the objects in a list. */
export function membersOf(type: Type): readonly TsSymbol[] {
  const plain = type.getNonNullableType();
  return (plain.getArrayElementType() ?? plain).getNonNullableType().getProperties();
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  return `| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n${rows.map(row => `| ${row.map(cell).join(' | ')} |`).join('\n')}\n`;
}
