/** A judge of PowerShell's syntax: the grammar that editors use. It runs nothing. */
import { createRequire } from 'node:module';
import { Language, type Node, Parser } from 'web-tree-sitter';

const require = createRequire(import.meta.url);
let parser: Promise<Parser> | undefined;

async function open(): Promise<Parser> {
  await Parser.init({ locateFile: (name: string) => require.resolve(`web-tree-sitter/${name}`) });
  return new Parser().setLanguage(await Language.load(require.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm')));
}

/** The syntax tree's outermost node. */
export async function parsePowershell(script: string): Promise<Node> { return (await (parser ??= open())).parse(script)!.rootNode; }

/** Where the grammar finds mistakes: the text there. */
export async function mistakesOf(script: string): Promise<string[]> {
  const found: string[] = [];
  const look = (node: Node): void => {
    if (node.isError || node.isMissing) found.push(`${node.startPosition.row + 1}: ${node.text.slice(0, 80)}`);
    else for (const child of node.children) if (child?.hasError) look(child);
  };
  look(await parsePowershell(script));
  return found;
}

/** The values of all literals in single quotes, read as PowerShell's own reader does: a quote, straight or curly, that follows another stands for itself. */
export async function literalsOf(script: string): Promise<string[]> {
  const found: string[] = [];
  const look = (node: Node): void => {
    if (node.type === 'verbatim_string_characters') found.push(node.text.slice(1, -1).replace(/(['\u2018\u2019\u201a\u201b])['\u2018\u2019\u201a\u201b]/g, '$1'));
    for (const child of node.children) if (child) look(child);
  };
  look(await parsePowershell(script));
  return found;
}
