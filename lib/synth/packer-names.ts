/** What things are called in a template: identifiers that Packer accepts, each used once, the same on every run. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { evaluate } from '../evaluate.js';
import type { Json } from '../json.js';
import { optionName } from '../packer/names.js';
import type { AnyKind } from '../kinds.js';
import type { AnyField } from '../fields.js';
import { type Expr, exprOf } from '../values.js';
import type { Program } from './collect.js';
import type { DataName, Names } from './packer-body.js';
import { type Folders, templatePath } from './packer-paths.js';

/** Hands out identifiers: letters, digits, `_` and `-`, beginning with a letter or `_`. */
export class Identifiers {
  private readonly given = new Map<string, string>();
  private readonly used = new Set<string>();

  /** The identifier of a thing; `key` says which thing, `wanted` what it would like to be called. */
  of(key: string, wanted: string = key): string {
    let name = this.given.get(key);
    if (name === undefined) {
      const base = identifierOf(wanted);
      name = base;
      for (let n = 2; this.used.has(name); n++) name = `${base}-${n}`;
      this.used.add(name);
      this.given.set(key, name);
    }
    return name;
  }
}

export function identifierOf(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || '_';
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}

/** A variable that stands for something the program does not declare as one. */
export interface MadeVariable { readonly name: string; readonly from: Extract<Expr, { readonly op: 'secret' | 'output' }> }

/** The names of a program's template. Secrets and outputs of other targets get a variable when they are first named. */
export class TemplateNames implements Names {
  readonly made: MadeVariable[] = [];
  private readonly variables = new Identifiers();
  private readonly locals = new Identifiers();
  private readonly dataLabels = new Map<string, { readonly kind: AnyKind; readonly label: string }>();
  usesUuid = false;

  constructor(private readonly program: Program, private readonly folders: Folders, private readonly values: (name: string) => Json | undefined) {
    for (const name of [...program.variables.keys(), ...program.secretVariables.keys()].sort()) this.variables.of(`var:${name}`, name);
    for (const name of program.locals.keys()) this.locals.of(name);
    const labels = new Map<string, Identifiers>();
    for (const { kind, node } of program.data) {
      const ofType = labels.get(packerType(kind)) ?? new Identifiers();
      labels.set(packerType(kind), ofType);
      this.dataLabels.set(node.path, { kind, label: ofType.of(node.path) });
    }
  }

  variable(name: string): string { return this.variables.of(`var:${name}`, name); }

  local(name: string): string {
    if (name !== 'uuid()') return this.locals.of(name);
    this.usesUuid = true;
    return this.locals.of('uuid()', 'run_uuid');
  }

  data(path: string, output: string): DataName {
    const found = this.dataLabels.get(path)!;
    const field = (found.kind.outputs as { readonly [name: string]: AnyField })[output];
    if (found.kind.packerType === false || field?.packerName === false) return { variable: this.output(path, output) };
    return { type: packerType(found.kind), label: found.label, output: typeof field?.packerName === 'string' ? field.packerName : optionName(output) };
  }

  labelOf(dataPath: string): string { return this.dataLabels.get(dataPath)!.label; }

  path(path: string): Expr { return exprOf(templatePath(path, this.folders)); }

  secret(secret: string): string {
    const name = this.variables.of(secret, secret.startsWith('var:') ? secret.slice(4) : secretName(secret));
    if (!secret.startsWith('var:') && !this.made.some(m => m.name === name)) this.made.push({ name, from: { op: 'secret', secret } });
    return name;
  }

  output(target: string, output: string): string {
    const name = this.variables.of(`output:${target}:${output}`, `${target.replaceAll('/', '_')}_${optionName(output)}`);
    if (!this.made.some(m => m.name === name)) this.made.push({ name, from: { op: 'output', target, output } });
    return name;
  }

  isScalar(name: string): boolean {
    const variable = this.program.variables.get(name);
    if (variable === undefined) return false;
    return ['string', 'number', 'boolean'].includes(variable.type.is) || (variable.type.is === 'any' && typeof (variable.props.default ?? '') !== 'object');
  }

  definition(local: string): Expr | undefined { return this.program.locals.get(local)?.expression; }

  value(expr: Expr): Json | undefined {
    try {
      return evaluate(expr, { variable: name => this.values(name), isSensitive: name => this.isSensitive(name), local: name => this.definition(name), templateFile: path => readFileSync(resolve(this.program.folder, path), 'utf8') });
    } catch { return undefined; }
  }

  private isSensitive(name: string): boolean { return this.program.variables.get(name)?.props.sensitive === true; }
}

export const packerType = (kind: AnyKind): string => (kind.packerType === false ? kind.type : kind.packerType);

/** `env:DB_PASSWORD` -> `db_password`, `file:/run/key.pem` -> `key`, a command -> its program's name. */
function secretName(secret: string): string {
  const [kind, rest] = [secret.slice(0, secret.indexOf(':')), secret.slice(secret.indexOf(':') + 1)];
  if (kind === 'env') return rest.toLowerCase();
  if (kind === 'file') return (rest.split('/').at(-1) ?? '').replace(/\.[^.]*$/, '') || 'secret';
  try { return `secret-${(JSON.parse(rest) as readonly string[])[0]!.split('/').at(-1)!}`; } catch { return 'secret'; }
}
