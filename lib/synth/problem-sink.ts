/** Collects problems, each once, and turns the Error that a value kept into `file:line:column`. */
import { formatLocation, type Location, userLocation } from '../location.js';
import { type Problem, type Severity, sortProblems } from '../problems.js';

export interface Found {
  readonly code: string; readonly path: string; readonly field?: string; readonly message: string; readonly remedy?: string | undefined;
  readonly severity?: Severity; readonly at?: Error | undefined; readonly acknowledged?: string | undefined;
}

export class ProblemSink {
  readonly #seen = new Map<string, Problem>();
  readonly #locations = new Map<Problem, Location>();
  constructor(readonly folder: string) {}

  add(found: Found): void {
    const location = found.at === undefined ? undefined : userLocation(found.at);
    const problem: Problem = {
      code: found.code, severity: found.severity ?? 'error', path: found.path, message: found.message,
      ...(found.field === undefined || found.field === '' ? {} : { field: found.field }), ...(found.remedy === undefined ? {} : { remedy: found.remedy }),
      ...(location === undefined ? {} : { at: formatLocation(location, this.folder) }), ...(found.acknowledged === undefined ? {} : { acknowledged: found.acknowledged }),
    };
    const key = JSON.stringify([problem.code, problem.path, problem.field, problem.message]);
    if (this.#seen.has(key)) return;
    this.#seen.set(key, problem);
    if (location !== undefined) this.#locations.set(problem, location);
  }

  /** Errors first, else in the order they were found. */
  get problems(): Problem[] { return sortProblems([...this.#seen.values()]); }
  get hasErrors(): boolean { return [...this.#seen.values()].some(p => p.severity === 'error'); }
}
