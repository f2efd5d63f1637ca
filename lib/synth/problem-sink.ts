/** Collects problems, each once, and turns the Error that a value kept into `file:line:column`. */
import { readFileSync } from 'node:fs';
import { formatLocation, type Location, userLocation } from '../location.js';
import { type Problem, type Severity, sortProblems } from '../problems.js';
import { locateProp } from './locate.js';

export interface Found {
  readonly code: string; readonly path: string; readonly field?: string; readonly message: string; readonly remedy?: string | undefined;
  readonly severity?: Severity; readonly at?: Error | undefined; readonly acknowledged?: string | undefined;
}

export class ProblemSink {
  readonly #seen = new Map<string, Problem>();
  readonly #sources = new Map<string, string | undefined>();
  constructor(readonly folder: string) {}

  add(found: Found): void {
    const location = this.#locate(found);
    const problem: Problem = {
      code: found.code, severity: found.severity ?? 'error', path: found.path, message: found.message,
      ...(found.field === undefined || found.field === '' ? {} : { field: found.field }), ...(found.remedy === undefined ? {} : { remedy: found.remedy }),
      ...(location === undefined ? {} : { at: formatLocation(location, this.folder) }), ...(found.acknowledged === undefined ? {} : { acknowledged: found.acknowledged }),
    };
    const key = JSON.stringify([problem.code, problem.path, problem.field, problem.message]);
    if (this.#seen.has(key)) return;
    this.#seen.set(key, problem);
  }

  /** The line of the field itself, where it is written in the component's own braces; else that of the component. */
  #locate({ at, field }: Found): Location | undefined {
    const location = at === undefined ? undefined : userLocation(at);
    if (location === undefined || field === undefined || field === '') return location;
    const { file } = location;
    if (!this.#sources.has(file)) this.#sources.set(file, readSource(file));
    const source = this.#sources.get(file), place = source === undefined ? undefined : locateProp(source, location.line, location.column, field);
    return place === undefined ? location : { file, ...place };
  }

  /** Errors first, else in the order they were found. */
  get problems(): Problem[] { return sortProblems([...this.#seen.values()]); }
  get hasErrors(): boolean { return [...this.#seen.values()].some(p => p.severity === 'error'); }
}

function readSource(file: string): string | undefined {
  try { return readFileSync(file, 'utf8'); } catch { return undefined; }
}
