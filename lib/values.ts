/**
 * The values a program may write where a plain one does not do: known later, secret, or with a unit.
 * Each is a plain object with one tag key (`$expr`, `$secret`, `$size`, `$duration`, `$generated`); the same object is its form in
 * the Plan. Branded by string keys, never by class: two copies of this package in one process understand each other.
 */
import { type Json, isObject } from './json.js';

/** What a Ref stands for, as data. Synth evaluates what can be known; the HCL printer prints the rest symbolically. */
export type Expr =
  | { readonly op: 'value'; readonly value: Json }
  /** An input of the program, by the id it was declared with. */
  | { readonly op: 'variable'; readonly name: string }
  /** A named expression, declared by `local`. */
  | { readonly op: 'local'; readonly name: string }
  /** An output of a data source, by its construct path. */
  | { readonly op: 'data'; readonly path: string; readonly output: string }
  /** An output of a target (`web/qemu`): of its source, or, with `of`, of one of its steps or post-processors (`web/docker-push`). */
  | { readonly op: 'output'; readonly target: string; readonly output: string; readonly of?: string }
  /** A function of functions.ts. */
  | { readonly op: 'call'; readonly function: string; readonly args: readonly Expr[] }
  | { readonly op: 'template'; readonly parts: readonly Expr[] }
  | { readonly op: 'when'; readonly condition: Expr; readonly then: Expr; readonly else: Expr }
  /** The run's start: one value a run, never part of a digest. */
  | { readonly op: 'time'; readonly as: 'timestamp' | 'isotime' | 'uuid'; readonly format?: string }
  /** Something only the running target knows (`httpAddress`, `host`, `sourceName` …). */
  | { readonly op: 'host'; readonly name: string }
  /** A secret inside a text; only in places that accept secrets. */
  | { readonly op: 'secret'; readonly secret: string; readonly cacheKey?: string }
  /** A text file with `${name}` in it, read at synth. `path` is relative to the program's folder, or absolute. */
  | { readonly op: 'template-file'; readonly path: string; readonly values: { readonly [name: string]: Expr } }
  /** A member of a list or an object. */
  | { readonly op: 'member'; readonly of: Expr; readonly key: string | number };

/** A value known later; T is what it becomes. Text with a secret inside is none. */
export interface Ref<T> { readonly $expr: Expr; readonly $type?: T; readonly $secret?: never }

/** A value that must never be printed or stored; `$secret` names where the run finds it: `env:X`, `file:path`, `command:…`, `var:name`. */
export interface Secret {
  readonly $secret: string;
  /** Changing this on purpose makes steps that saw the secret run again; the value itself is in no key. */
  readonly $cacheKey?: string;
}

/** A number of bytes. */
export interface Size { readonly $size: number }
/** A number of milliseconds. */
export interface Duration { readonly $duration: number }
/** A file that an earlier step of the run makes: it need not exist at synth and is hashed when its step runs. */
export interface GeneratedFile { readonly $generated: string }
/** Text with a secret inside. */
export interface SecretText { readonly $secret: string; readonly $expr: Expr }

/** What a plain field takes: the value, or a Ref to one. */
export type Input<T> = T | Ref<T>;

export function isRef(value: unknown): value is Ref<unknown> {
  return isObject(value) && '$expr' in value && !('$secret' in value);
}
export function isSecret(value: unknown): value is Secret {
  return isObject(value) && typeof value['$secret'] === 'string';
}
export function isSize(value: unknown): value is Size {
  return isObject(value) && typeof value['$size'] === 'number';
}
export function isDuration(value: unknown): value is Duration {
  return isObject(value) && typeof value['$duration'] === 'number';
}
export function isGenerated(value: unknown): value is GeneratedFile {
  return isObject(value) && typeof value['$generated'] === 'string';
}

/** Makes a Ref from an expression. For components; programs use `text`, `local`, `when` and the functions. */
export function ref<T>(expr: Expr): Ref<T> { return { $expr: expr }; }

/** The expression behind any value: itself for a Ref, a literal for the rest. */
export function exprOf(value: unknown): Expr {
  if (isObject(value) && '$expr' in value) return (value as unknown as Ref<unknown>).$expr;
  if (isSecret(value)) return { op: 'secret', secret: value.$secret, ...(value.$cacheKey === undefined ? {} : { cacheKey: value.$cacheKey }) };
  return { op: 'value', value: value as Json };
}

/** Where secrets come from. The value is read when the run needs it, never at synth. */
export const Secret = {
  /** From an environment variable of the process that runs the plan. */
  env: (name: string, options: SecretOptions = {}): Secret => secret(`env:${name}`, options),
  /** From a file; one trailing newline is taken off. */
  file: (path: string, options: SecretOptions = {}): Secret => secret(`file:${path}`, options),
  /** From the standard output of a command; one trailing newline is taken off. The command line itself is not secret. */
  command: (command: readonly string[], options: SecretOptions = {}): Secret => secret(`command:${JSON.stringify(command)}`, options),
};
export interface SecretOptions {
  /** Changing it makes steps that saw the secret run again. */
  readonly cacheKey?: string;
}
function secret(name: string, options: SecretOptions): Secret {
  return options.cacheKey === undefined ? { $secret: name } : { $secret: name, $cacheKey: options.cacheKey };
}

/** Makes a Size. Binary units, as hypervisors mean them. */
export const Size = {
  bytes: (n: number): Size => ({ $size: whole('Size.bytes', n) }),
  kib: (n: number): Size => ({ $size: whole('Size.kib', n * 1024) }),
  mib: (n: number): Size => ({ $size: whole('Size.mib', n * 1024 ** 2) }),
  gib: (n: number): Size => ({ $size: whole('Size.gib', n * 1024 ** 3) }),
  tib: (n: number): Size => ({ $size: whole('Size.tib', n * 1024 ** 4) }),
  /** Reads Packer's and QEMU's notation: `40G`, `512M`, `40GiB`, `1024` (bytes). */
  parse: (text: string): Size => {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgtpe]?)(?:i?b)?\s*$/i.exec(text);
    if (!match) throw new RangeError(`Size.parse: '${text}' is no size. Write a number and a unit, such as 40G or 512MiB.`);
    return { $size: whole('Size.parse', Number(match[1]) * 1024 ** ' kmgtpe'.indexOf((match[2] || ' ').toLowerCase())) };
  },
};

/** Makes a Duration. */
export const Duration = {
  milliseconds: (n: number): Duration => ({ $duration: whole('Duration.milliseconds', n) }),
  seconds: (n: number): Duration => ({ $duration: whole('Duration.seconds', n * 1000) }),
  minutes: (n: number): Duration => ({ $duration: whole('Duration.minutes', n * 60_000) }),
  hours: (n: number): Duration => ({ $duration: whole('Duration.hours', n * 3_600_000) }),
  days: (n: number): Duration => ({ $duration: whole('Duration.days', n * 86_400_000) }),
  /** Reads Go's notation, as Packer's templates write it: `1h30m`, `500ms`, `10s`, `1.5h`. */
  parse: (text: string): Duration => {
    const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000001 } as const;
    const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)/g)];
    if (text !== '0' && (parts.length === 0 || parts.map(p => p[0]).join('') !== text.trim())) {
      throw new RangeError(`Duration.parse: '${text}' is no duration. Write numbers with units, such as 10s, 1h30m or 500ms.`);
    }
    return { $duration: Math.round(parts.reduce((sum, [, n, unit]) => sum + Number(n) * units[unit as keyof typeof units], 0)) };
  },
};

function whole(what: string, n: number): number {
  if (!Number.isFinite(n) || n < 0) throw new RangeError(`${what}: ${n} is not a finite number of zero or more.`);
  return Math.round(n);
}

/** Says that a file does not exist yet: an earlier step of the run makes it. `path` is relative to the program's folder. */
export function generated(path: string): GeneratedFile { return { $generated: path }; }

type Plain = string | number | boolean | Ref<string> | Ref<number> | Ref<boolean>;

/** Text with values in it. With a Secret inside it is secret itself, and only secret places accept it. */
export function text<const A extends readonly (Plain | Secret)[]>(
  strings: TemplateStringsArray, ...values: A
): Extract<A[number], Secret> extends never ? Ref<string> : SecretText {
  const parts: Expr[] = [];
  strings.forEach((string, i) => {
    if (string !== '') parts.push({ op: 'value', value: string });
    if (i < values.length) parts.push(exprOf(values[i]));
  });
  const $expr: Expr = { op: 'template', parts };
  return (values.some(isSecret) ? { $secret: 'text', $expr } : { $expr }) as never;
}

/** One value or another, by a condition that may be known later. */
export function when<T>(condition: Input<boolean>, then: Input<T>, otherwise: Input<T>): Ref<T> {
  return ref({ op: 'when', condition: exprOf(condition), then: exprOf(then), else: exprOf(otherwise) });
}

/** Seconds since 1970 at the start of the run, as text; the same in the whole run. Never part of a digest. */
export function timestamp(): Ref<string> { return ref({ op: 'time', as: 'timestamp' }); }
/** The start of the run, in UTC. `format` in Go's reference-time notation, as Packer's; RFC 3339 when left out. Never part of a digest. */
export function isotime(format?: string): Ref<string> { return ref(format === undefined ? { op: 'time', as: 'isotime' } : { op: 'time', as: 'isotime', format }); }
/** A random UUID, the same in the whole run. Never part of a digest. */
export function uuid(): Ref<string> { return ref({ op: 'time', as: 'uuid' }); }

/** Values that only a running target knows. Packer's names stand beside them. */
export const host = {
  /** Where the guest finds the run's HTTP server: `{{ .HTTPIP }}:{{ .HTTPPort }}`. */
  httpAddress: ref<string>({ op: 'host', name: 'httpAddress' }),
  /** `{{ .HTTPIP }}` */
  httpIp: ref<string>({ op: 'host', name: 'httpIp' }),
  /** `{{ .HTTPPort }}` */
  httpPort: ref<string>({ op: 'host', name: 'httpPort' }),
  /** The guest's address: `build.Host`. */
  guestHost: ref<string>({ op: 'host', name: 'guestHost' }),
  /** The port of the guest's communicator: `build.Port`. */
  guestPort: ref<string>({ op: 'host', name: 'guestPort' }),
  /** The user logged in as: `build.User`. */
  guestUser: ref<string>({ op: 'host', name: 'guestUser' }),
  /** Name of the source that is being built: `source.name`. */
  sourceName: ref<string>({ op: 'host', name: 'sourceName' }),
  /** Type of the source that is being built: `source.type`. */
  sourceType: ref<string>({ op: 'host', name: 'sourceType' }),
  /** Name of the ImageBuild: `build.name`. */
  buildName: ref<string>({ op: 'host', name: 'buildName' }),
};

/** What the outputs of a target, or of one of its steps, are known by while a run goes on. */
export function outputKey({ target, of }: { readonly target: string; readonly of?: string | undefined }): string { return of === undefined ? target : `${target} ${of}`; }

/** Every expression inside an expression, itself first; also those inside lists and objects that a program wrote. */
export function* walkExpr(expr: Expr): Generator<Expr> {
  yield expr;
  switch (expr.op) {
    case 'value': if (typeof expr.value === 'object' && expr.value !== null) yield* walkLiteral(expr.value); break;
    case 'template-file': for (const value of Object.values(expr.values)) yield* walkExpr(value); break;
    case 'call': for (const arg of expr.args) yield* walkExpr(arg); break;
    case 'template': for (const part of expr.parts) yield* walkExpr(part); break;
    case 'when': yield* walkExpr(expr.condition); yield* walkExpr(expr.then); yield* walkExpr(expr.else); break;
    case 'member': yield* walkExpr(expr.of); break;
    default: break;
  }
}

function* walkLiteral(value: unknown): Generator<Expr> {
  if (Array.isArray(value)) for (const item of value) yield* walkLiteral(item);
  else if (isObject(value)) {
    if ('$expr' in value || isSecret(value)) yield* walkExpr(exprOf(value));
    else for (const item of Object.values(value)) yield* walkLiteral(item);
  }
}
