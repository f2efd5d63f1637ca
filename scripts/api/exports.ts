/** What a public module exports, beside components: classes, functions, values and types, with their comments. */
import { type ClassDeclaration, type FunctionDeclaration, type InterfaceDeclaration, Node, type Project, type VariableDeclaration } from 'ts-morph';
import { cell, code, commentOf, oneLine, root, table } from './sources.js';

const bases = ['Source', 'Provisioner', 'PostProcessor', 'DataSource'];
/** Whether a class describes a component: those have a chapter of their own. */
export const isComponentClass = (node: Node): node is ClassDeclaration => Node.isClassDeclaration(node) && bases.includes(node.getExtends()?.getExpression().getText() ?? '') && !node.isAbstract();

export function apiExports(project: Project, file: string): string {
  const source = project.getSourceFile(`${root}${file}`);
  if (source === undefined) return '';
  const all = [...source.getExportedDeclarations()].sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const components = new Set(all.flatMap(([name, nodes]) => (nodes.some(isComponentClass) ? [name, `${name}Props`] : [])));
  const classes: string[] = [], functions: string[][] = [], values: string[][] = [], types: string[][] = [];
  for (const [name, [node]] of all) {
    if (node === undefined || components.has(name) || isKind(node)) continue;
    const comment = commentOf(node.getSymbol(), node);
    if (Node.isClassDeclaration(node)) classes.push(classText(name, node, comment.text));
    else if (Node.isFunctionDeclaration(node)) functions.push([code(signature(node)), comment.text]);
    else if (Node.isVariableDeclaration(node)) (isFunctionLike(node) ? functions : values).push([code(isFunctionLike(node) ? signature(node) : name), comment.text || commentOfStatement(node)]);
    else if (Node.isInterfaceDeclaration(node) && name.endsWith('Props')) classes.push(propsText(name, node));
    else types.push([code(name), comment.text]);
  }
  return [
    classes.join('\n'),
    functions.length === 0 ? '' : `### Functions\n\n${table(['Function', 'What it does'], functions)}`, values.length === 0 ? '' : `### Values\n\n${table(['Value', 'What it is'], values)}`,
    types.length === 0 ? '' : `### Types\n\n${table(['Type', 'What it is'], types)}`,
  ].filter(t => t !== '').join('\n').replace(/^### (Functions|Values|Types)$/gm, (_, what: string) => `### ${what} of ${file === 'lib/index.ts' ? '`imagebake`' : `\`imagebake/${file.split('/')[1]!.replace('.ts', '')}\``}`);
}

const isKind = (node: Node): boolean => Node.isVariableDeclaration(node) && /^Kind</.test(node.getType().getText(node).replace(/import\([^)]*\)\./g, ''));
const isFunctionLike = (node: VariableDeclaration): boolean => node.getType().getCallSignatures().length > 0;

function commentOfStatement(node: VariableDeclaration): string {
  return oneLine(node.getVariableStatement()?.getJsDocs().map(d => d.getDescription()).join(' ') ?? '');
}

/** `name(a, b?): Result`, without the types of what goes in: the editor shows those. */
function signature(node: FunctionDeclaration | VariableDeclaration): string {
  const [call] = node.getType().getCallSignatures();
  const parameters = call?.getParameters().map(p => {
    const declaration = p.getValueDeclaration();
    const optional = Node.isParameterDeclaration(declaration) && (declaration.isOptional() || declaration.hasInitializer());
    return `${Node.isParameterDeclaration(declaration) && declaration.isRestParameter() ? '…' : ''}${p.getName().startsWith('__') ? 'options' : p.getName()}${optional ? '?' : ''}`;
  }) ?? [];
  return `${node.getName() ?? ''}(${parameters.join(', ')})`;
}

function classText(name: string, node: ClassDeclaration, comment: string): string {
  const rows = node.getInstanceMembers().flatMap(member => {
    const text = commentOf(member.getSymbol(), member).text;
    if (text === '' || member.getName().startsWith('$')) return [];
    return [[code(Node.isMethodDeclaration(member) ? `${member.getName()}(${member.getParameters().map(p => p.getName() + (p.isOptional() ? '?' : '')).join(', ')})` : member.getName()), text]];
  });
  return `### ${name}\n\n${comment}\n${rows.length === 0 ? '' : `\n${table(['Member', 'What it is'], rows)}`}`;
}

function propsText(name: string, node: InterfaceDeclaration): string {
  const rows = node.getType().getProperties().map(member => {
    const { text, default: fallback } = commentOf(member, node), optional = member.isOptional();
    return [code(member.getName()), fallback ?? (optional ? '' : 'required'), cell(text)];
  });
  return `### ${name}\n\n${commentOf(node.getSymbol(), node).text}\n\n${table(['Prop', 'Default', 'What it says'], rows)}`;
}
