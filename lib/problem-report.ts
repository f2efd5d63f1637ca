/** Problems as a person reads them: what, where, the lines of the source, what to do. */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { codeFrame } from './code-frame.js';
import { type Paint, plain } from './paint.js';
import type { Problem, Severity } from './problems.js';

export interface ReportSettings {
  /** What the places of problems (`at`) are relative to. */
  readonly folder: string;
  /** Places are shown relative to it. @default process.cwd() */
  readonly cwd?: string;
  /** @default no colours */
  readonly paint?: Paint;
  /** Reads a source for its code frame. @default from the disk, nothing where that fails */
  readonly read?: (file: string) => string | undefined;
}

/** All problems as text, each with its code frame, and a line that counts them; ends with a newline. One mistake that several constructs were made with is shown once. */
export function reportProblems(problems: readonly Problem[], settings: ReportSettings): string {
  const cached = new Map<string, string | undefined>();
  const read = (file: string): string | undefined => {
    if (!cached.has(file)) cached.set(file, (settings.read ?? readSource)(file));
    return cached.get(file);
  };
  return `${alike(problems).map(([p, ...others]) => reportProblem(p!, { ...settings, read }, others)).join('\n\n')}\n\n${countLine(problems, settings.paint ?? plain)}\n`;
}

/** A line in a loop or a shared component is wrong in every build that it makes. */
function alike(problems: readonly Problem[]): Problem[][] {
  const groups = new Map<string, Problem[]>();
  problems.forEach((problem, i) => {
    const key = problem.at === undefined ? `${i}` : JSON.stringify([problem.code, problem.severity, problem.at, problem.field, problem.message, problem.remedy, problem.acknowledged]);
    groups.set(key, [...groups.get(key) ?? [], problem]);
  });
  return [...groups.values()];
}

/** One problem: a line for what, one for where (and where `others`, of the same cause, are), the code frame, the remedy. No newline at its end. */
export function reportProblem(problem: Problem, { folder, cwd = process.cwd(), paint = plain, read = readSource }: ReportSettings, others: readonly Problem[] = []): string {
  const colour = problem.severity === 'error' ? paint.red : problem.severity === 'warning' ? paint.yellow : paint.blue;
  const [message = '', ...said] = problem.message.split('\n');
  const out = [`${colour(paint.bold(problem.severity))} ${paint.dim(problem.code)}: ${paint.bold(message)}`, ...said.map(line => `    ${line}`.trimEnd())];
  const place = problem.at === undefined ? undefined : /^(.*):(\d+):(\d+)$/.exec(problem.at);
  const file = place ? resolve(folder, place[1]!) : undefined;
  const what = [problem.path, problem.field].filter(p => p !== undefined && p !== '').join(', ');
  const at = place ? `${shownPath(file!, cwd)}:${place[2]}:${place[3]}` : problem.at;
  if (what !== '' || at !== undefined) out.push(`  ${paint.dim('at')} ${what === '' ? at : at === undefined ? what : `${what} ${paint.dim(`(${at})`)}`}`);
  if (others.length > 0) out.push(`  ${paint.dim('and')} ${others.slice(0, 3).map(p => p.path).join(', ')}${others.length > 3 ? ` and ${others.length - 3} more` : ''}`);
  const source = file === undefined ? undefined : read(file);
  const frame = source === undefined ? undefined : codeFrame(source, Number(place![2]), Number(place![3]), { mark: colour, dim: paint.dim });
  if (frame !== undefined) out.push('', ...frame.split('\n').map(line => `  ${line}`.trimEnd()), '');
  if (problem.acknowledged !== undefined) out.push(`  Accepted: ${problem.acknowledged}`);
  if (problem.remedy !== undefined) out.push(...problem.remedy.split('\n').map(line => `  ${paint.cyan(line)}`));
  else if (frame !== undefined) out.pop();
  return out.join('\n');
}

function countLine(problems: readonly Problem[], paint: Paint): string {
  const count = (severity: Severity, one: string): string[] => {
    const n = problems.filter(p => p.severity === severity).length;
    return n === 0 ? [] : [`${n} ${n === 1 ? one : `${one}s`}`];
  };
  const counts = [...count('error', 'error'), ...count('warning', 'warning'), ...count('info', 'note')].join(', ');
  const code = problems[0]?.code;
  return `${paint.bold(counts)}.${code === undefined ? '' : ` More about a code: bake explain ${code.startsWith('POLICY') ? 'POLICY' : code}`}`;
}

/** Short where it lies below the folder that people are in; whole elsewhere. */
function shownPath(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') ? file : path;
}

function readSource(file: string): string | undefined {
  try { return readFileSync(file, 'utf8'); } catch { return undefined; }
}
