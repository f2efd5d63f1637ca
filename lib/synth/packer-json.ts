/** Prints a template as Packer's JSON: one file for a build. Sees neutral bodies only. */
import { describeExpr } from '../evaluate.js';
import { isObject, type Json } from '../json.js';
import { exprOf, isRef, isSecret, walkExpr, type Expr, outputKey } from '../values.js';
import type { Body, BodyValue, Names, Place, Report, Template, TemplateBuild, TemplatePostProcessor, TemplateStep, TemplateVariable } from './packer-body.js';
import { dataVariable, type JsonContext, jsonText, uuidVariable } from './packer-expr-json.js';

/** The files of a template, by name: one for each build. Says what JSON templates cannot. */
export function printJson(template: Template, names: Names, report: Report): { readonly [file: string]: string } {
  return Object.fromEntries(template.builds.map(build => [`${build.name}.json`, `${JSON.stringify(new BuildPrinter(template, build, names, report).print(), undefined, 2)}\n`]));
}

type Mutable = { [key: string]: Json };

class BuildPrinter {
  private readonly extra: Mutable = {};
  /** User variables that the build mentions; the others are left out of its file. */
  private readonly used = new Set<string>();
  constructor(private readonly template: Template, private readonly build: TemplateBuild, private readonly names: Names, private readonly report: Report) {}

  print(): Json {
    const { build } = this;
    const builders = build.sources.map(s => ({ type: s.type, ...(s.name === s.type ? {} : { name: s.name }), ...this.body(s.body, { path: s.path, at: s.at, place: 'source' }) }));
    const provisioners = build.provisioners.map(p => this.step(p));
    const [cleanup, ...more] = build.errorCleanup;
    const errorCleanup = cleanup && this.step(cleanup);
    if (more.length > 0) {
      this.report({ code: 'EXPORT_CLEANUP', severity: 'warning', path: build.path, at: more[0]!.at, message: 'a Packer build has one error-cleanup provisioner, and this one has several: only the first is exported', remedy: 'Write them as one step.' });
    }
    const postProcessors = build.postProcessors.map(sequence => { const made = sequence.map(p => this.postProcessor(p)); return made.length === 1 ? made[0]! : made; });
    const { variables, sensitive } = this.variables();
    return {
      _comment: build.description === undefined ? build.path : `${build.path}: ${build.description}`,
      ...(Object.keys(variables).length > 0 ? { variables } : {}), ...(sensitive.length > 0 ? { 'sensitive-variables': sensitive } : {}),
      builders, ...(provisioners.length > 0 ? { provisioners } : {}), ...(errorCleanup === undefined ? {} : { 'error-cleanup-provisioner': errorCleanup }),
      ...(postProcessors.length > 0 ? { 'post-processors': postProcessors } : {}),
    } as Json;
  }

  private variables(): { readonly variables: Mutable; readonly sensitive: string[] } {
    const variables: Mutable = {}, sensitive: string[] = [];
    for (const v of this.template.variables) {
      if (!this.used.has(v.name)) continue;
      variables[v.name] = defaultOf(v);
      if (v.sensitive) sensitive.push(v.name);
      if (v.validation.length > 0) {
        this.report({ code: 'EXPORT_VALIDATION', severity: 'warning', path: v.name, message: `JSON templates do not check variables: the rules of '${v.name}' are left out`, remedy: 'Export to HCL, where they are kept.' });
      }
    }
    return { variables: { ...variables, ...this.extra }, sensitive };
  }

  private step(step: TemplateStep): Json {
    const where = { path: step.path, at: step.at, place: 'step' as const };
    const override = Object.fromEntries(step.overrides.map(o => [o.source, this.body(o.differs, where)]));
    return {
      type: step.type, ...names('only', step.only), ...names('except', step.except),
      ...(step.pauseBefore === undefined ? {} : { pause_before: step.pauseBefore }), ...(step.timeout === undefined ? {} : { timeout: step.timeout }), ...(step.maxRetries === undefined ? {} : { max_retries: String(step.maxRetries) }),
      ...this.body(step.body, where), ...(step.overrides.length > 0 ? { override } : {}),
    };
  }

  private postProcessor(p: TemplatePostProcessor): Json {
    return {
      type: p.type, ...names('only', p.only), ...names('except', p.except), ...(p.keepInputArtifact === undefined ? {} : { keep_input_artifact: p.keepInputArtifact }),
      ...this.body(p.body, { path: p.path, at: p.at, place: 'step' }),
    };
  }

  private body(body: Body, where: Where): Mutable {
    const out: Mutable = {};
    for (const [name, value] of body.attributes) out[name] = this.value(value, name, where);
    for (const block of body.blocks) {
      const made = block.bodies.map(b => this.body(b, where));
      out[block.name] = block.list ? made : made[0]!;
    }
    return out;
  }

  private value(value: BodyValue, field: string, where: Where): Json {
    if (isRef(value) || isSecret(value)) return this.expression(exprOf(value), field, where);
    if (Array.isArray(value)) return (value as readonly BodyValue[]).map((item, i) => this.value(item, `${field}[${i}]`, where));
    if (isObject(value)) {
      return Object.fromEntries(Object.keys(value).sort().filter(k => value[k] !== undefined).map(k => [k, this.value(value[k] as BodyValue, `${field}.${k}`, where)]));
    }
    return value as Json;
  }

  private expression(expr: Expr, field: string, where: Where): Json {
    const context: JsonContext = { names: this.names, place: where.place, onUuid: () => { this.extra[uuidVariable] = '{{uuid}}'; } };
    const text = jsonText(expr, context);
    if (text !== undefined) {
      this.mention(expr);
      return text;
    }
    // Of a text, only the parts that cannot be said are replaced.
    if (expr.op === 'template') return expr.parts.map(part => inText(this.expression(part, field, where))).join('');
    if (expr.op === 'call' && expr.function === 'identity') return this.value((expr.args[0] as { readonly value: BodyValue }).value, field, where);
    if (expr.op === 'call' && expr.function === 'list') return expr.args.map((arg, i) => this.expression(arg, `${field}[${i}]`, where));
    if (expr.op === 'value') return this.value(expr.value, field, where);
    const known = this.names.value(expr);
    this.report({
      code: 'EXPORT_VALUE', severity: 'warning', path: where.path, field, at: where.at,
      message: known === undefined ? `JSON templates cannot say ${describeExpr(expr)}, and its value is not known yet: left empty` : `JSON templates cannot say ${describeExpr(expr)}: its value of now is baked in`,
      remedy: 'Export to HCL, where it stays an expression.',
    });
    return known ?? '';
  }

  /** Notes the user variables of an expression. */
  private mention(expr: Expr): void {
    for (const part of walkExpr(expr)) {
      if (part.op === 'variable') this.used.add(this.names.variable(part.name));
      else if (part.op === 'secret') this.used.add(this.names.secret(part.secret));
      else if (part.op === 'output') this.used.add(this.names.output(outputKey(part), part.output));
      else if (part.op === 'local') { const definition = this.names.definition(part.name); if (definition !== undefined) this.mention(definition); }
      else if (part.op === 'data') {
        const data = this.names.data(part.path, part.output), name = dataVariable(data);
        if ('variable' in data) { this.used.add(name); continue; }
        this.extra[name] = null;
        this.report({
          code: 'EXPORT_DATA', severity: 'warning', path: part.path, message: `JSON templates have no data sources: ${describeExpr(part)} became the variable '${name}'`, remedy: `Give it with -var ${name}=…, or export to HCL.`,
        });
      }
    }
  }
}

const inText = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

interface Where { readonly path: string; readonly at: Error | undefined; readonly place: Place }

const names = (key: string, list: readonly string[] | undefined): Mutable => (list === undefined ? {} : { [key]: [...list] });

/** User variables are text; null says that a value must be given. */
function defaultOf(v: TemplateVariable): Json {
  if (v.env !== undefined) return `{{env \`${v.env}\`}}`;
  if (v.default === undefined || v.default === null) return null;
  return typeof v.default === 'string' ? v.default : typeof v.default === 'object' ? JSON.stringify(v.default) : String(v.default);
}
