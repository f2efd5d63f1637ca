/**
 * Keys: what a saved machine or a finished artifact is known by. Each is the digest of everything that led there: the key before, the
 * component's own digest (made by synth: props that matter, contents of files), its kind's revision, and late inputs, which only the run knows.
 */
import { createHash } from 'node:crypto';
import { type Affects, type Fields, fieldsOf } from '../../fields.js';
import { canonicalJson, isObject, type Json, type JsonObject } from '../../json.js';
import type { AnyKind } from '../../kinds.js';
import type { PlannedComponent } from '../../plan.js';
import { type Expr, outputKey } from '../../values.js';

/** What a run knows of things outside a component: each gives a text that changes when the thing does; undefined: not known. */
export interface LateInputs {
  /** The artifact of a target: by content, not by place. */
  image(target: string): string | undefined;
  output(target: string, output: string): string | undefined;
  data(path: string, output: string): string | undefined;
  /** A file that an earlier step made: its digest. */
  generated(path: string): string | undefined;
  /** Sensitive variables: the digest of the value; secrets: undefined, they count by name. */
  secret(name: string): string | undefined;
}

/** The key of a machine before its first step. `identity`: what names in the props stand for at this moment, from the driver. */
export function sourceKey(kind: AnyKind, source: PlannedComponent, late: LateInputs, identity: Json | undefined): string {
  return digest(['source', kind.key, kind.revision, source.own.disk, lateOf(kind, source.props, 'disk', late), identity ?? null]);
}

/** The key of a machine after a step. */
export function stepKey(before: string, kind: AnyKind, step: PlannedComponent, late: LateInputs): string {
  return digest(['step', before, kind.key, kind.revision, step.own.disk, step.own.machine, lateOf(kind, step.props, 'disk', late)]);
}

/** The key of a memory state: of the disk, and of the machine that it runs on. */
export function machineKey(disk: string, kind: AnyKind, source: PlannedComponent, late: LateInputs): string {
  return digest(['machine', disk, source.own.machine, lateOf(kind, source.props, 'machine', late)]);
}

/** The key of a source's artifact: of the last step, of what capture adds, and of the folder that output paths are relative to. */
export function captureKey(last: string, kind: AnyKind, source: PlannedComponent, late: LateInputs, programFolder: string): string {
  return digest(['capture', last, kind.key, source.own.machine, source.own.capture, lateOf(kind, source.props, 'capture', late), programFolder]);
}

/** The key of what a post-processor makes of an artifact. */
export function postProcessorKey(input: string, kind: AnyKind, postProcessor: PlannedComponent, late: LateInputs): string {
  const { own } = postProcessor;
  return digest(['post-processor', input, kind.key, kind.revision, own.disk, own.machine, own.capture, lateOf(kind, postProcessor.props, undefined, late)]);
}

function digest(parts: Json): string { return createHash('sha256').update(canonicalJson(parts)).digest('hex'); }

/** The late inputs in props of one class, in a fixed order. Times and values of the host are none: they never make anything invalid. */
function lateOf(kind: AnyKind, props: JsonObject, affects: Affects | undefined, late: LateInputs): Json {
  const found = new Map<string, string>();
  walkFields(kind.fields, props, affects, value => collect(value, late, found));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)) as unknown as Json;
}

/** The late inputs of a component that can make its disk or its artifact invalid, by name. */
export function lateTexts(kind: AnyKind, component: PlannedComponent, late: LateInputs): { readonly [name: string]: string } {
  const found = new Map<string, string>();
  walkFields(kind.fields, component.props, undefined, value => collect(value, late, found));
  return Object.fromEntries(found);
}

function walkFields(fields: Fields, props: JsonObject, affects: Affects | undefined, visit: (value: Json) => void): void {
  for (const [name, field] of fieldsOf(fields)) {
    const value = props[name];
    if (value === undefined) continue;
    if (field.shape !== 'attribute' && field.affects === undefined && (field.type.is === 'object' || field.type.is === 'objects')) {
      for (const part of Array.isArray(value) ? value : [value]) if (isObject(part)) walkFields(field.type.fields, part as JsonObject, affects, visit);
    } else if (affects === undefined ? field.affects !== 'none' : (field.affects ?? 'disk') === affects) {
      visit(value);
    }
  }
}

function collect(value: Json, late: LateInputs, found: Map<string, string>): void {
  if (Array.isArray(value)) { for (const item of value) collect(item as Json, late, found); return; }
  if (!isObject(value)) return;
  const object = value as JsonObject;
  if (typeof object['$image'] === 'string') found.set(`image ${object['$image']}`, late.image(object['$image']) ?? 'unknown');
  else if (typeof object['$generated'] === 'string') found.set(`generated ${object['$generated']}`, late.generated(object['$generated']) ?? 'unknown');
  else if (typeof object['op'] === 'string') return collectExpr(object as unknown as Expr, late, found);
  for (const item of Object.values(object)) collect(item, late, found);
}

function collectExpr(expr: Expr, late: LateInputs, found: Map<string, string>): void {
  if (expr.op === 'output') found.set(`output ${outputKey(expr)} ${expr.output}`, late.output(outputKey(expr), expr.output) ?? 'unknown');
  else if (expr.op === 'data') found.set(`data ${expr.path} ${expr.output}`, late.data(expr.path, expr.output) ?? 'unknown');
  else if (expr.op === 'secret') { const known = late.secret(expr.secret); if (known !== undefined) found.set(`secret ${expr.secret}`, known); }
  for (const inner of Object.values(expr) as Json[]) if (typeof inner === 'object') collect(inner, late, found);
}
