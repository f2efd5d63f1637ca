/** Problems: what is wrong with a program, as data; found all at once, before anything slow starts. */

export type Severity = 'error' | 'warning' | 'info';

export interface Problem {
  /** In capitals, stable: `UNKNOWN_PROP`. `bake explain CODE` tells more. */
  readonly code: string;
  readonly severity: Severity;
  /** The construct: `web/qemu`. Empty: the program as a whole. */
  readonly path: string;
  /** The field inside the construct: `ssh.username`, `inline[2]`. */
  readonly field?: string;
  /** What is wrong, in the user's words, with the value. One sentence, no path in it. */
  readonly message: string;
  /** What to do, in the imperative. */
  readonly remedy?: string;
  /** Where the user wrote it: `images.ts:12:5`, relative to the program's folder. */
  readonly at?: string;
  /** Set where a policy's finding was acknowledged: why. */
  readonly acknowledged?: string;
}

/** `web/qemu, ssh.username (images.ts:12:5)`: where a problem is, for people. */
export function whereOf(problem: Pick<Problem, 'path' | 'field' | 'at'>): string {
  const what = [problem.path, problem.field].filter(p => p !== undefined && p !== '').join(', ');
  return problem.at === undefined ? what : what === '' ? problem.at : `${what} (${problem.at})`;
}

/** One problem as text: a line for what, a line for the remedy. */
export function formatProblem(problem: Problem): string {
  const where = whereOf(problem);
  const head = `${problem.severity} ${problem.code}${where === '' ? '' : ` [${where}]`}: ${problem.message}`;
  return problem.remedy === undefined ? head : `${head}\n  ${problem.remedy}`;
}

/** Same program, same order: by construct, field, code. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const rank = { error: 0, warning: 1, info: 2 } as const;
  return problems.map((p, i) => [p, i] as const)
    .sort(([a, i], [b, j]) => rank[a.severity] - rank[b.severity] || i - j).map(([p]) => p);
}
