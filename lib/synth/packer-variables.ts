/** The variables and locals of a template: those of the program, and those that secrets and outputs of other targets need. */
import { byCodeUnit, type Json } from '../json.js';
import type { Attribute, VariableType } from '../constructs/variable-type.js';
import { type Expr, exprOf, isRef, isSecret, walkExpr, outputKey } from '../values.js';
import type { Program } from './collect.js';
import { objectKey } from './packer-expr-hcl.js';
import type { Body, BodyValue, Report, Template, TemplateBlock, TemplateBuild, TemplateVariable } from './packer-body.js';
import type { TemplateNames } from './packer-names.js';

/** Gives every secret, output and UUID in a template its name, before anything is printed. */
export function registerNames(template: { readonly data: readonly TemplateBlock[]; readonly builds: readonly TemplateBuild[]; readonly locals: readonly Expr[] }, names: TemplateNames): void {
  const bodies: Body[] = template.data.map(d => d.body);
  for (const build of template.builds) {
    for (const used of [...build.sources, ...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()]) {
      bodies.push(used.body);
      if ('overrides' in used) bodies.push(...used.overrides.map(o => o.body));
    }
  }
  for (const expr of [...template.locals, ...bodies.flatMap(b => [...expressionsOf(b)])]) {
    for (const part of walkExpr(expr)) {
      if (part.op === 'secret') names.secret(part.secret);
      else if (part.op === 'output') names.output(outputKey(part), part.output);
      else if (part.op === 'data') names.data(part.path, part.output);
      else if (part.op === 'time' && part.as === 'uuid') names.local('uuid()');
      else if (part.op === 'value') for (const inner of refsIn(part.value as BodyValue)) registerNames({ data: [], builds: [], locals: [inner] }, names);
    }
  }
}

function* expressionsOf(body: Body): Generator<Expr> {
  for (const [, value] of body.attributes) yield* refsIn(value);
  for (const block of body.blocks) for (const inner of block.bodies) yield* expressionsOf(inner);
}
function* refsIn(value: BodyValue): Generator<Expr> {
  if (isRef(value) || isSecret(value)) yield exprOf(value);
  else if (Array.isArray(value)) for (const item of value as readonly BodyValue[]) yield* refsIn(item);
  else if (typeof value === 'object' && value !== null) for (const key of Object.keys(value).sort(byCodeUnit)) yield* refsIn((value as { readonly [key: string]: BodyValue })[key]!);
}

export function templateVariables(program: Program, names: TemplateNames, report: Report): Pick<Template, 'variables' | 'locals'> {
  const declared = [...program.variables].map(([id, variable]): TemplateVariable => {
    const { description, sensitive, validate = [] } = variable.props, name = names.variable(id);
    const given = sensitive ? undefined : (variable.props.default as Json | undefined);
    const validation = validate.flatMap(rule => {
      if (rule.hcl !== undefined) return [{ condition: rule.hcl(`var.${name}`), message: sentence(rule.message) }];
      report({
        code: 'EXPORT_VALIDATION', severity: 'warning', path: id, at: variable.at, message: `a rule of variable '${id}' is a function of the program, which Packer cannot run: left out`, remedy: 'Write it with isOneOf, matches, isBetween or hasLength, which say it in both.',
      });
      return [];
    });
    const type = hclType(variable.type) ?? (variable.props.default === undefined ? 'string' : undefined);
    return { name, ...(type === undefined ? {} : { type }), ...(given === undefined ? {} : { default: given }), ...(description === undefined ? {} : { description }), ...(sensitive ? { sensitive } : {}), validation };
  });
  const secrets = [...program.secretVariables].map(([id, { props }]): TemplateVariable =>
    ({ name: names.variable(id), type: 'string', ...(props.description === undefined ? {} : { description: props.description }), sensitive: true, validation: [] }));
  const variables = [...declared, ...secrets, ...names.made.map(made => madeVariable(made))].sort((a, b) => byCodeUnit(a.name, b.name));
  const locals = [...program.locals].map(([id, l]) => ({ name: names.local(id), value: l.expression }));
  if (names.usesUuid) locals.push({ name: names.local('uuid()'), value: { op: 'call', function: 'uuidv4', args: [] } });
  return { variables, locals: locals.sort((a, b) => byCodeUnit(a.name, b.name)) };
}

function madeVariable({ name, from }: TemplateNames['made'][number]): TemplateVariable {
  if (from.op === 'output') return { name, type: 'string', description: `${from.output === 'image' ? 'The image' : `Output '${from.output}'`} of ${from.target}, which must be built before.`, validation: [] };
  const [kind, rest] = [from.secret.slice(0, from.secret.indexOf(':')), from.secret.slice(from.secret.indexOf(':') + 1)];
  if (kind === 'env') return { name, type: 'string', env: rest, sensitive: true, validation: [] };
  const description = kind === 'file' ? `What stands in the file ${rest}.` : `What the command ${rest} prints.`;
  return { name, type: 'string', description, sensitive: true, validation: [] };
}

/** Packer wants a whole sentence. */
function sentence(message: string): string {
  const text = message.trim(), begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** HCL's type expression; undefined: any, or one that Packer cannot write down. */
function hclType(type: VariableType): string | undefined {
  switch (type.is) {
    case 'any': return undefined;
    case 'string': case 'number': return type.is;
    case 'boolean': return 'bool';
    case 'list': case 'map': return `${type.is}(${hclType(type.of) ?? 'any'})`;
    case 'nullable': return hclType(type.of);
    case 'object': {
      const members: string[] = [];
      for (const [name, attribute] of Object.entries(type.attributes) as [string, Attribute][]) {
        if (attribute.is === 'optional') return undefined;
        members.push(`${objectKey(name)} = ${hclType(attribute) ?? 'any'}`);
      }
      return `object({ ${members.join(', ')} })`;
    }
  }
}

