/**
 * One error class for all that can go wrong in a way we understand. Each file that raises errors declares them at its top with
 * `errors(prefix, table)`: a code, a message made of facts, and a remedy. The same tables give the catalogue in API.md and `bake explain`.
 */
import type { Problem } from './problems.js';

/** Exit codes of the command line. */
export const exitCodes = { done: 0, bug: 1, usage: 2, problems: 3, failed: 4, preflight: 5, hangup: 129, interrupted: 130, terminated: 143 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface BakeErrorFacts {
  readonly code: string;
  readonly remedy?: string | undefined;
  /** Which exit code it ends the command line with. @default 4 */
  readonly exit?: ExitCode | undefined;
  /** What else is known, for `--json`: the last serial lines, a screenshot's path, the exit status … */
  readonly facts?: { readonly [name: string]: unknown } | undefined;
  readonly problems?: readonly Problem[] | undefined;
  readonly cause?: unknown;
  /** Worth another try: throttling, a busy engine, a lost packet. @default false */
  readonly retryable?: boolean | undefined;
}

/** An error with a code and a remedy. Tell it by `isBakeError`, never by `instanceof`: there may be two copies of this package. */
export class BakeError extends Error {
  readonly $bakeError = true;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly exit: ExitCode;
  readonly facts: { readonly [name: string]: unknown };
  readonly problems: readonly Problem[];
  readonly retryable: boolean;
  constructor(message: string, facts: BakeErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'BakeError';
    this.code = facts.code;
    this.remedy = facts.remedy;
    this.exit = facts.exit ?? exitCodes.failed;
    this.facts = facts.facts ?? {};
    this.problems = facts.problems ?? [];
    this.retryable = facts.retryable ?? false;
  }
}

export function isBakeError(error: unknown): error is BakeError {
  return typeof error === 'object' && error !== null && '$bakeError' in error;
}

/** One entry of an error table. `message` and `remedy` are made from the facts that the thrower gives. */
export interface ErrorEntry<A extends readonly any[]> {
  readonly message: (...args: A) => string;
  readonly remedy?: string | ((...args: A) => string);
  /** Why it happens and what it means, for the catalogue. */
  readonly explain?: string;
  readonly exit?: ExitCode;
  readonly retryable?: boolean;
}
type Table = { readonly [NAME: string]: ErrorEntry<any> };
type More = { readonly cause?: unknown; readonly facts?: { readonly [name: string]: unknown }; readonly problems?: readonly Problem[]; readonly exit?: ExitCode };
export type ErrorFactories<T extends Table> = {
  readonly [N in keyof T]: (...args: [...Parameters<T[N]['message']>, more?: More]) => BakeError;
};

/** The entries of every table loaded so far, by code: what `bake explain` prints. */
export const catalogue = new Map<string, ErrorEntry<any>>();

/** Declares a file's errors: `const fail = errors('QEMU', { NO_BINARY: { message: (name: string) => …, remedy: … } })`, then `throw fail.NO_BINARY('qemu-img')`. The code is `QEMU_NO_BINARY`. */
export function errors<const T extends Table>(prefix: string, table: T): ErrorFactories<T> {
  const out: { [name: string]: (...args: unknown[]) => BakeError } = {};
  for (const [name, entry] of Object.entries(table)) {
    const code = `${prefix}_${name}`;
    catalogue.set(code, entry);
    out[name] = (...args) => {
      // The facts are as many as `message` declares; one argument more is the options.
      const facts = args.slice(0, entry.message.length);
      const more = (args[entry.message.length] ?? {}) as More;
      return new BakeError(entry.message(...facts), {
        code, remedy: typeof entry.remedy === 'function' ? entry.remedy(...facts) : entry.remedy,
        exit: more.exit ?? entry.exit, retryable: entry.retryable, ...more,
      });
    };
  }
  return out as unknown as ErrorFactories<T>;
}

/** The message of anything thrown, in one line of its own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : isBakeError(error) ? (error as BakeError).message : String(error);
}

/** Anything thrown, as what a problem says of it; `code` for what is no error of ours. */
export function problemData(error: unknown, code: string): { readonly code: string; readonly message: string; readonly remedy?: string } {
  const known = isBakeError(error) ? error : undefined;
  return { code: known?.code ?? code, message: messageOf(error), ...(known?.remedy === undefined ? {} : { remedy: known.remedy }) };
}
