/** Reads a plan's data sources, between synth and run, in the plan's order: from images.lock what is recorded there, the rest anew. */
import { createHash } from 'node:crypto';
import { BakeError, errors, exitCodes, isBakeError, messageOf } from '../errors.js';
import { canonicalJson, isObject, type Json } from '../json.js';
import type { AnyKind } from '../kinds.js';
import type { PlannedData } from '../plan.js';
import type { Problem } from '../problems.js';
import { type Expr, walkExpr } from '../values.js';
import { type LockEntries, type LockEntry, lockFileName, readLock, writeLock } from './images-lock.js';
import { resolveProps } from './resolve.js';
import type { RunScope } from './run-scope.js';
import { lookupsOf, type RunState } from './run-state.js';

const fail = errors('DATA', {
  NOT_LOCKED: {
    message: (path: string, why: string) => `The data source '${path}' ${why} ${lockFileName}, and nothing may be read anew here.`,
    remedy: 'Run bake update where it may be, and put the file into version control.', exit: exitCodes.problems,
  },
});

export interface LockOptions {
  /** Where images.lock lies: what is recorded there is not read again. */
  readonly file: string;
  /** A source that is not recorded is an error. @default false */
  readonly frozen?: boolean;
  /** What was read anew is recorded. @default true */
  readonly record?: boolean;
}

/** What was read, by path, as it is recorded; and what stood in the file before. */
export interface DataReading { readonly before: LockEntries; readonly after: LockEntries }

/** Fills `run.data`; what is given already is not read again. `anew` says for which sources the record does not count. */
export async function readDataSources(run: RunState, planned: readonly PlannedData[], root: RunScope, lock?: LockOptions, anew: (path: string) => boolean = () => false): Promise<DataReading> {
  const before = lock === undefined ? {} : readLock(lock.file), after: { [path: string]: LockEntry } = { ...before };
  for (const source of planned) {
    if (run.data.has(source.path)) continue;
    const kind = await run.registry.kind(source.kind), asked = askedOf(kind, source, run);
    const recorded = lock !== undefined && isLocked(source), entry = recorded && Object.hasOwn(before, source.path) ? before[source.path] : undefined;
    const fits = entry !== undefined && entry.kind === source.kind && entry.asked === asked && source.outputs.every(output => Object.hasOwn(entry.outputs, output));
    if (fits && !anew(source.path)) {
      run.data.set(source.path, entry.outputs);
      continue;
    }
    if (recorded && lock.frozen === true) throw fail.NOT_LOCKED(source.path, entry === undefined ? 'is not in' : 'is asked something else than in');
    const outputs = await root.step(source.path, here => read(run, kind, source, here), { at: source.at }).catch((error: unknown) => { throw placed(error, source); });
    run.data.set(source.path, outputs);
    if (recorded) after[source.path] = { kind: source.kind, asked, outputs: outputs as { readonly [name: string]: Json } };
  }
  if (lock !== undefined && lock.record !== false && canonicalJson(after) !== canonicalJson(before)) writeLock(lock.file, after);
  return { before, after };
}

/** The same error, with the data source as the place of the problem. */
function placed(error: unknown, { path, at }: PlannedData): BakeError {
  const { code, message, remedy } = isBakeError(error) ? error : { code: 'DATA_UNREADABLE', message: messageOf(error), remedy: undefined };
  const problem: Problem = { code, severity: 'error', path, message, ...(remedy === undefined ? {} : { remedy }), ...(at === undefined ? {} : { at }) };
  return new BakeError(message, { code, remedy, exit: isBakeError(error) ? error.exit : exitCodes.preflight, cause: error, problems: [problem] });
}

/** Whether a source is recorded: secrets never are. */
export const isLocked = (source: PlannedData): boolean => source.lock && (source.sensitive ?? []).length === 0;

async function read(run: RunState, kind: AnyKind, source: PlannedData, here: RunScope): Promise<{ readonly [output: string]: unknown }> {
  const driver = await run.registry.driver(source.kind);
  const props = resolveProps(kind.fields, source.props, {
    lookups: lookupsOf(run, () => undefined), files: run.plan.files, filesFolder: run.folders.files, programFolder: run.folders.program, missing: 'throw',
    image: () => undefined, linkFolder: () => run.folders.temporary,
  });
  const hide = (value: unknown): void => {
    if (typeof value === 'string') run.redactor.add(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(hide);
  };
  const outputs = await driver.read(props as never, {
    signal: here.signal, programFolder: run.folders.program, environment: run.environment, sensitive: source.sensitive ?? [], note: message => here.emit({ type: 'note', message }), secret: value => { run.redactor.add(value); },
  }) as { readonly [output: string]: unknown };
  for (const name of source.sensitive ?? []) hide(outputs[name]);
  return outputs;
}

/** What a source is asked, as a digest: its props, and what other sources said that it uses. Secrets count by name. */
function askedOf(kind: AnyKind, source: PlannedData, run: RunState): string {
  const used = [...exprsIn(source.props)].flatMap(expr => {
    if (expr.op !== 'data') return [];
    const secret = run.plan.data.find(d => d.path === expr.path)?.sensitive?.includes(expr.output) === true;
    return [[expr.path, expr.output, secret ? null : (run.data.get(expr.path)?.[expr.output] ?? null) as Json]];
  });
  return `sha256:${createHash('sha256').update(canonicalJson([kind.key, kind.revision, source.own, used])).digest('hex')}`;
}

function* exprsIn(value: Json): Generator<Expr> {
  if (Array.isArray(value)) for (const item of value) yield* exprsIn(item as Json);
  else if (isObject(value)) {
    if (isObject(value['$expr'])) yield* walkExpr(value['$expr'] as unknown as Expr);
    else for (const item of Object.values(value)) yield* exprsIn(item as Json);
  }
}
