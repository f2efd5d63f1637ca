/** `bake update`: asks the data sources again, and says what they say now. */
import { canonicalJson, type Json } from '../json.js';
import type { Plan } from '../plan.js';
import { isLocked, readDataSources } from './data.js';
import { lookingState } from './forecast.js';
import { readSecrets } from './preflight.js';
import type { RunOptions } from './run.js';
import { RunScope } from './run-scope.js';
import { matcher } from './select.js';
import { type LockEntries, writeLock } from './images-lock.js';
import { BakeError, errors, exitCodes } from '../errors.js';
import { suggest } from '../suggest.js';

const fail = errors('UPDATE', {
  NO_MATCH: {
    message: (pattern: string, near: string | undefined) => `'${pattern}' matches no data source that is recorded.${near === undefined ? '' : ` Did you mean '${near}'?`}`,
    remedy: 'Give paths of data sources, or globs of these; `bake inspect` names them all.', exit: exitCodes.usage,
  },
});

/** What a source said before, and what it says now. Undefined: it is new, or gone from the program. */
export interface DataChange { readonly path: string; readonly output: string; readonly before: Json | undefined; readonly after: Json | undefined }

export interface UpdateOptions extends Pick<RunOptions, 'programFolder' | 'filesFolder' | 'kinds' | 'registry' | 'secrets' | 'environment' | 'listen' | 'signal'> {
  /** images.lock. */
  readonly file: string;
  /** Paths of data sources, or globs of these; all when left out. */
  readonly only?: readonly string[];
  /** Changes are shown, and not taken. @default false */
  readonly dryRun?: boolean;
}

/** Asks again, and records what is said; entries of sources that the program no longer has are removed. Returns the changes, sorted. */
export async function updateData(plan: Plan, options: UpdateOptions): Promise<readonly DataChange[]> {
  const locked = plan.data.filter(isLocked).map(d => d.path), patterns = options.only ?? [];
  for (const pattern of patterns) if (!locked.some(matcher(pattern))) throw fail.NO_MATCH(pattern, suggest(pattern, locked));
  const wanted = (path: string): boolean => patterns.length === 0 || patterns.some(p => matcher(p)(path));
  const { only: _, ...rest } = options, signal = options.signal ?? new AbortController().signal;
  const run = lookingState(plan, rest), root = new RunScope([], signal, { emit: run.stream.emit, cleanupDeadline: 10_000, cancelGrace: 1000 });
  const problems = await readSecrets(run, [], options.secrets ?? {}, signal);
  const [problem] = problems;
  if (problem !== undefined) throw new BakeError(problem.message, { code: problem.code, remedy: problem.remedy, exit: exitCodes.preflight, problems });
  const { before, after } = await readDataSources(run, plan.data, root, { file: options.file, record: false }, wanted);
  const kept = Object.fromEntries(Object.entries(after).filter(([path]) => locked.includes(path)));
  if (options.dryRun !== true && canonicalJson(kept) !== canonicalJson(before)) writeLock(options.file, kept);
  return changesBetween(before, kept);
}

function changesBetween(before: LockEntries, after: LockEntries): DataChange[] {
  const changes: DataChange[] = [];
  for (const path of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const old = before[path]?.outputs ?? {}, now = after[path]?.outputs ?? {};
    for (const output of [...new Set([...Object.keys(old), ...Object.keys(now)])].sort()) {
      if (canonicalJson(old[output]) !== canonicalJson(now[output])) changes.push({ path, output, before: old[output], after: now[output] });
    }
  }
  return changes;
}
