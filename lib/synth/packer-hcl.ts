/** Prints a template in HCL, as `packer fmt` leaves it. Sees neutral bodies only. */
import { isObject } from '../json.js';
import { exprOf, isRef, isSecret } from '../values.js';
import { attributeLines, blockLines, fixedLine, type HclAttribute, indent, spaced, textOf } from './hcl-layout.js';
import type { Body, BodyValue, Names, Place, Report, Template, TemplateBuild, TemplatePostProcessor, TemplateSource, TemplateStep, TemplateVariable } from './packer-body.js';
import { escapeTemplate, type HclContext, hclExpr, joinParts, objectKey, quoted, type TextPart, textParts } from './packer-expr-hcl.js';

export interface HclOptions {
  /** One file each for plugins, variables, sources and builds. @default false */
  readonly split?: boolean;
}

/** The files of a template, by name. Says what HCL cannot. */
export function printHcl(template: Template, names: Names, report: Report, options: HclOptions = {}): { readonly [file: string]: string } {
  const plugins = pluginBlock(template);
  const inputs = spaced([...template.variables.map(variableBlock), localsBlock(template, names), ...template.data.map(d => commented(d.path, component(`data "${d.type}" "${d.label}"`, [], d.body, names, 'data')))]);
  const sources = spaced(template.builds.flatMap(b => b.sources.map(s => commented(s.path, component(`source "${s.type}" "${s.label}"`, [], s.body, names, 'source')))));
  const builds = spaced(template.builds.map(b => buildBlock(b, names, report)));
  const files: [string, string[]][] = options.split
    ? [['plugins.pkr.hcl', plugins], ['variables.pkr.hcl', inputs], ['sources.pkr.hcl', sources], ['build.pkr.hcl', builds]]
    : [['packer.pkr.hcl', spaced([plugins, inputs, sources, builds])]];
  return Object.fromEntries(files.filter(([, lines]) => lines.length > 0).map(([name, lines]) => [name, textOf(lines)]));
}

function pluginBlock(template: Template): string[] {
  if (template.plugins.length === 0) return [];
  const entries = template.plugins.map((p): HclAttribute => ({
    name: p.name,
    lines: ['{', ...indent(attributeLines([{ name: 'source', lines: [quoted(p.source)] }, ...(p.version === undefined ? [] : [{ name: 'version', lines: [quoted(p.version)] }])])), '}'],
  }));
  return blockLines('packer', blockLines('required_plugins', attributeLines(entries)));
}

function variableBlock(v: TemplateVariable): string[] {
  const context: HclContext = { names: undefined as never, place: 'local' };
  const attributes: HclAttribute[] = [
    ...(v.type === undefined ? [] : [{ name: 'type', lines: [v.type] }]),
    ...(v.env !== undefined ? [{ name: 'default', lines: [`env(${quoted(v.env)})`] }] : v.default === undefined ? [] : [attribute('default', v.default as BodyValue, context)]),
    ...(v.description === undefined ? [] : [{ name: 'description', lines: [quoted(v.description)] }]),
    ...(v.sensitive ? [{ name: 'sensitive', lines: ['true'] }] : []),
  ];
  const rules = v.validation.map(r => blockLines('validation', attributeLines([{ name: 'condition', lines: [r.condition] }, { name: 'error_message', lines: [quoted(r.message)] }])));
  return blockLines(`variable "${v.name}"`, spaced([attributeLines(attributes), ...rules]));
}

function localsBlock(template: Template, names: Names): string[] {
  if (template.locals.length === 0) return [];
  return blockLines('locals', attributeLines(template.locals.map(l => ({ ...attribute(l.name, { $expr: l.value }, { names, place: 'local' }) }))));
}

function buildBlock(build: TemplateBuild, names: Names, report: Report): string[] {
  const head: HclAttribute[] = [
    { name: 'name', lines: [quoted(build.name)] },
    ...(build.description === undefined ? [] : [{ name: 'description', lines: [quoted(build.description)] }]),
    attribute('sources', build.sources.map(s => `source.${s.type}.${s.label}`), { names, place: 'step' }),
  ];
  const [cleanup, ...more] = build.errorCleanup;
  if (more.length > 0) {
    report({ code: 'EXPORT_CLEANUP', severity: 'warning', path: build.path, at: more[0]!.at, message: 'a Packer build has one error-cleanup provisioner, and this one has several: only the first is exported', remedy: 'Write them as one step.' });
  }
  return commented(build.path, blockLines('build', spaced([
    attributeLines(head),
    ...build.provisioners.flatMap(step => stepBlocks('provisioner', step, build.sources, names)),
    ...(cleanup === undefined ? [] : stepBlocks('error-cleanup-provisioner', cleanup, build.sources, names)),
    ...build.postProcessors.map(sequence => sequenceBlock(sequence, build.sources, names)),
  ])));
}

/** `web/qemu` of our tree is `qemu.web` here. */
const qualified = (sources: readonly TemplateSource[], wanted: readonly string[]): string[] =>
  wanted.map(name => { const s = sources.find(source => source.name === name); return s === undefined ? name : `${s.type}.${s.label}`; });

/** One block, or one more for each source that has props of its own: `override` in HCL goes by a label that two sources may share. */
function stepBlocks(word: string, step: TemplateStep, sources: readonly TemplateSource[], names: Names): string[][] {
  const runsOn = sources.map(s => s.name).filter(n => (step.only === undefined || step.only.includes(n)) && !(step.except?.includes(n) ?? false));
  const overridden = step.overrides.filter(o => runsOn.includes(o.source));
  const rest = runsOn.filter(n => !overridden.some(o => o.source === n));
  const settings = (only: readonly string[] | undefined, except: readonly string[] | undefined): HclAttribute[] => [
    ...(only === undefined ? [] : [attribute('only', qualified(sources, only), { names, place: 'step' })]),
    ...(except === undefined || except.length === 0 ? [] : [attribute('except', qualified(sources, except), { names, place: 'step' })]),
    ...(step.pauseBefore === undefined ? [] : [{ name: 'pause_before', lines: [quoted(step.pauseBefore)] }]),
    ...(step.timeout === undefined ? [] : [{ name: 'timeout', lines: [quoted(step.timeout)] }]),
    ...(step.maxRetries === undefined ? [] : [{ name: 'max_retries', lines: [String(step.maxRetries)] }]),
  ];
  const block = (body: Body, only: readonly string[] | undefined, except?: readonly string[]): string[] =>
    commented(step.path, component(`${word} "${step.type}"`, settings(only, except), body, names, 'step'));
  if (overridden.length === 0) return [block(step.body, step.only, step.except)];
  return [
    ...(rest.length === 0 ? [] : [step.only === undefined ? block(step.body, undefined, [...(step.except ?? []), ...overridden.map(o => o.source)]) : block(step.body, rest)]),
    ...overridden.map(o => block(o.body, [o.source])),
  ];
}

function sequenceBlock(sequence: readonly TemplatePostProcessor[], sources: readonly TemplateSource[], names: Names): string[] {
  const blocks = sequence.map(p => commented(p.path, component(`post-processor "${p.type}"`, [
    ...(p.only === undefined ? [] : [attribute('only', qualified(sources, p.only), { names, place: 'step' })]),
    ...(p.except === undefined ? [] : [attribute('except', qualified(sources, p.except), { names, place: 'step' })]),
    ...(p.keepInputArtifact === undefined ? [] : [{ name: 'keep_input_artifact', lines: [String(p.keepInputArtifact)] }]),
  ], p.body, names, 'step')));
  return blocks.length === 1 ? blocks[0]! : blockLines('post-processors', spaced(blocks));
}

const commented = (path: string, lines: readonly string[]): string[] => [`# ${path.replace(/[\u0000-\u001f\u2028\u2029]/g, ' ')}`, ...lines];

/** Settings of the role first, then the options, then nested blocks. */
function component(header: string, settings: readonly HclAttribute[], body: Body, names: Names, place: Place): string[] {
  const [options, ...blocks] = bodySections(body, { names, place });
  return blockLines(header, spaced([attributeLines(settings), options!, ...blocks]));
}

function bodySections(body: Body, context: HclContext): string[][] {
  return [
    attributeLines(body.attributes.map(([name, value]) => attribute(name, value, context))),
    ...body.blocks.flatMap(block => block.bodies.map(b => blockLines(block.name, spaced(bodySections(b, context))))),
  ];
}

function attribute(name: string, value: BodyValue, context: HclContext): HclAttribute {
  return { name, ...valueLines(value, context) };
}

const lineLength = 100;

/** A value as lines, the first of which follows `name = `. */
function valueLines(value: BodyValue, context: HclContext): { readonly lines: readonly string[]; readonly heredoc?: boolean } {
  const parts = typeof value === 'string' ? [{ literal: value }] : isRef(value) || isSecret(value) ? textPartsOf(value, context) : undefined;
  const heredoc = parts && heredocLines(parts);
  if (heredoc !== undefined) return { lines: heredoc, heredoc: true };
  if (isRef(value) || isSecret(value)) return { lines: [hclExpr(exprOf(value), context)] };
  if (Array.isArray(value)) return { lines: listLines(value as readonly BodyValue[], context) };
  if (isObject(value)) {
    const members = Object.keys(value).sort().filter(key => value[key] !== undefined).map(key => attribute(objectKey(key), value[key] as BodyValue, context));
    return { lines: members.length === 0 ? ['{}'] : ['{', ...indent(attributeLines(members)), '}'] };
  }
  return { lines: [typeof value === 'string' ? quoted(value) : String(value)] };
}
const textPartsOf = (value: BodyValue, context: HclContext): readonly TextPart[] | undefined => {
  const expr = exprOf(value);
  return expr.op === 'template' || (expr.op === 'value' && typeof expr.value === 'string') ? textParts(expr, context) : undefined;
};

function listLines(list: readonly BodyValue[], context: HclContext): string[] {
  const items = list.map(item => valueLines(item, context));
  const line = `[${items.map(i => i.lines[0]).join(', ')}]`;
  if (items.every(i => i.lines.length === 1) && (line.length <= lineLength - 20 || list.length === 0)) return [line];
  // The comma after a heredoc needs a line of its own.
  const lines = items.flatMap(i => (i.heredoc ? [...i.lines, ','] : [...i.lines.slice(0, -1), `${i.lines.at(-1)},`]));
  return ['[', ...indent(lines), ']'];
}

/** A heredoc for text of several lines that ends with one, or undefined where it would not say the same. */
function heredocLines(parts: readonly TextPart[]): string[] | undefined {
  if (!parts.some(p => 'literal' in p && p.literal.includes('\n'))) return undefined;
  const literals = parts.flatMap(p => ('literal' in p ? [p.literal] : [])), last = parts.at(-1);
  const newlines = literals.reduce((sum, l) => sum + (l.match(/\n/g)?.length ?? 0), 0);
  // What must be escaped in a quoted text cannot be said in a heredoc.
  if (newlines < 3 || last === undefined || !('literal' in last) || !last.literal.endsWith('\n') || literals.some(l => /[^\P{Cc}\n\t]|[\ufeff\u2028\u2029]/u.test(l))) return undefined;
  const text = joinParts(parts, escapeTemplate);
  const lines = text.slice(0, -1).split('\n');
  let word = 'EOT';
  while (lines.some(l => l.trim() === word)) word += '_';
  return [`<<${word}`, ...lines.map(fixedLine), fixedLine(word)];
}
