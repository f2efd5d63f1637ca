/**
 * The field kit: a component's table of fields is the only place where its properties are written. From it come the type of
 * its props, the type its driver is given (defaults filled in), validation, Packer's option names, the docs and the hovers.
 */
import type { Duration, GeneratedFile, Input, Ref, Secret, SecretText, Size } from './values.js';

export type Need = 'required' | 'optional' | 'defaulted';

/**
 * What a changed value of a field makes invalid: `disk` the steps from here on; `machine` a saved memory state too (RAM, CPUs, devices);
 * `capture` only the last stage (names, formats, tags, output folders); `none` nothing (timeouts, retries, log settings).
 */
export type Affects = 'disk' | 'machine' | 'capture' | 'none';

/** How a field appears in a Packer template: an attribute, one block, a list of blocks, or a group whose members are flattened with its prefix. */
export type Shape = 'attribute' | 'block' | 'blocks' | 'group';

/** What the value itself is, as data: checks, resolution, docs and JSON Schema are functions of it. */
export type FieldType =
  | { readonly is: 'string' } | { readonly is: 'url' } | { readonly is: 'integer'; readonly min?: number; readonly max?: number }
  | { readonly is: 'number' } | { readonly is: 'boolean' } | { readonly is: 'size' } | { readonly is: 'duration' }
  /** A file or folder that is read, relative to the program's folder: part of the digest, travels with the Plan. */
  | { readonly is: 'path'; readonly kind: 'file' | 'folder' | 'any' }
  /** A place that is written on this computer, relative to the program's folder. */
  | { readonly is: 'output-path' }
  | { readonly is: 'secret' }
  /** Text that may be, or contain, a secret. */
  | { readonly is: 'sensitive-string' }
  | { readonly is: 'one-of'; readonly values: readonly string[] }
  | { readonly is: 'list'; readonly of: FieldType } | { readonly is: 'map'; readonly of: FieldType }
  | { readonly is: 'object'; readonly fields: Fields } | { readonly is: 'objects'; readonly fields: Fields }
  /** Another build that has a source of this type. */
  | { readonly is: 'image'; readonly type: string }
  /** Any JSON. */
  | { readonly is: 'json' };

/** W: what a user may write. R: what a driver is given. */
export interface Field<W, R, N extends Need = Need> extends FieldSettings {
  readonly need: N;
  readonly type: FieldType;
  readonly shape: Shape;
  readonly default?: unknown;
  readonly $w?: W;
  readonly $r?: R;
}
export interface FieldSettings {
  /** Packer's option, where it is not the snake case of the field's name; `false`: Packer has none. */
  readonly packerName?: string | false;
  /** @default 'disk' */
  readonly affects?: Affects;
  /** For a group: what its members' option names begin with. */
  readonly prefix?: string;
  /** The driver fills in what only the running machine knows: such values arrive as `{{ .httpAddress }}` in the text, for `ctx.fill`. */
  readonly fills?: boolean;
  /** How a number-like value is written for Packer: sizes as `40960M` text, as whole MiB, as GiB …; durations are Go text unless said. */
  readonly packerUnit?: 'text' | 'bytes' | 'mib' | 'gib' | 'seconds' | 'milliseconds' | 'minutes';
  /** More to check than the type says: returns what is wrong, or undefined. Not called for values known later. */
  readonly check?: (value: never) => string | undefined;
}
export type AnyField = Field<unknown, unknown, Need>;
/** Any table: `object`, not an index signature, so that a table may be an interface. */
export type Fields = object;
const members = new WeakMap<Fields, readonly (readonly [name: string, field: AnyField])[]>();
/** The members of a table, for code that walks any table. A table never changes, so its list is made once. */
export function fieldsOf(fields: Fields): readonly (readonly [name: string, field: AnyField])[] {
  let list = members.get(fields);
  if (list === undefined) members.set(fields, list = Object.entries(fields) as [string, AnyField][]);
  return list;
}

/** Joins tables into one; their comments survive in the published types (a spread would lose them). */
export const combine = <const T extends readonly Fields[]>(...tables: T): All<T> => Object.assign({}, ...tables);
type All<T extends readonly Fields[]> = T extends readonly [infer A, ...infer R extends readonly Fields[]] ? R extends readonly [] ? A : A & All<R> : {};

type NeedIn<T> = T extends Field<any, any, infer N> ? N : never;
export type WriteOf<F> = F extends Field<infer W, any, any> ? W : never;
export type ReadOf<F> = F extends Field<any, infer R, any> ? R : never;
/** What a user writes for a table. Optional props accept `undefined` as unset. */
export type PropsOf<F extends Fields> =
  & { readonly [K in keyof F as NeedIn<F[K]> extends 'required' ? K : never]: WriteOf<F[K]> }
  & { readonly [K in keyof F as NeedIn<F[K]> extends 'required' ? never : K]?: WriteOf<F[K]> | undefined };
/** What a driver is given for a table: defaults filled in, refs and secrets resolved, paths absolute. */
export type ResolvedOf<F extends Fields> =
  & { readonly [K in keyof F as NeedIn<F[K]> extends 'optional' ? never : K]: ReadOf<F[K]> }
  & { readonly [K in keyof F as NeedIn<F[K]> extends 'optional' ? K : never]?: ReadOf<F[K]> };

/** A build that has a source of type T. Structural: any ImageBuild with such a source fits. */
export interface ImageOf<T extends string> { readonly $types?: { readonly [K in T]: true } }
/** One source of a build, where the build has several of a type: `base.source('name')`. */
export interface ImageRef<T extends string> { readonly $image: string; readonly $types?: { readonly [K in T]: true } }
/** What a driver gets for an image field: the artifact of the build it stands on. */
export interface BaseImage { readonly target: string; readonly id: string; readonly files: readonly { readonly path: string; readonly digest: string }[]; readonly outputs: { readonly [name: string]: unknown } }

type Options<W> = FieldSettings & { readonly default?: W; readonly required?: true };
type NeedOf<O> = O extends { required: true } ? 'required' : O extends { default: {} } ? 'defaulted' : 'optional';
type Made<W, R, O> = Field<W, R, NeedOf<O>>;
type PathInput = Input<string> | URL | GeneratedFile;

function make(type: FieldType, shape: Shape, options: Options<unknown> = {}): any {
  const { required, ...rest } = options;
  return { ...rest, type, shape, need: required ? 'required' : rest.default !== undefined ? 'defaulted' : 'optional' };
}

/** Makes the fields of a table. Each takes `{ required: true }`, or `{ default }`, or neither (optional), and the settings of FieldSettings. */
export const field = {
  string: <const O extends Options<string> = {}>(o?: O): Made<Input<string>, string, O> => make({ is: 'string' }, 'attribute', o),
  url: <const O extends Options<string> = {}>(o?: O): Made<Input<string>, string, O> => make({ is: 'url' }, 'attribute', o),
  integer: <const O extends Options<number> & { readonly min?: number; readonly max?: number } = {}>(o?: O): Made<Input<number>, number, O> => {
    const { min, max, ...rest } = (o ?? {}) as Options<number> & { min?: number; max?: number };
    return make({ is: 'integer', ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }, 'attribute', rest);
  },
  number: <const O extends Options<number> = {}>(o?: O): Made<Input<number>, number, O> => make({ is: 'number' }, 'attribute', o),
  boolean: <const O extends Options<boolean> = {}>(o?: O): Made<Input<boolean>, boolean, O> => make({ is: 'boolean' }, 'attribute', o),
  size: <const O extends Options<Size> = {}>(o?: O): Made<Input<Size>, Size, O> => make({ is: 'size' }, 'attribute', o),
  duration: <const O extends Options<Duration> = {}>(o?: O): Made<Input<Duration>, Duration, O> => make({ is: 'duration' }, 'attribute', o),
  /** A file or folder that the component reads. The driver gets an absolute path. */
  path: <const O extends Options<string> & { readonly kind?: 'file' | 'folder' | 'any' } = {}>(o?: O): Made<PathInput, string, O> => {
    const { kind = 'any', ...rest } = (o ?? {}) as Options<string> & { kind?: 'file' | 'folder' | 'any' };
    return make({ is: 'path', kind }, 'attribute', rest);
  },
  /** A place that the component writes on this computer. The driver gets an absolute path. */
  outputPath: <const O extends Options<string> = {}>(o?: O): Made<Input<string>, string, O> => make({ is: 'output-path' }, 'attribute', { affects: 'capture', ...o }),
  /** Only a Secret, or text with one inside. The driver gets the revealed text. */
  secret: <const O extends Options<never> = {}>(o?: O): Made<Secret | SecretText, string, O> => make({ is: 'secret' }, 'attribute', o),
  /** Plain text or a Secret: for environments and the like. */
  sensitiveString: <const O extends Options<string> = {}>(o?: O): Made<Input<string> | Secret | SecretText, string, O> => make({ is: 'sensitive-string' }, 'attribute', o),
  oneOf: <const V extends readonly string[], const O extends Options<V[number]> = {}>(values: V, o?: O): Made<Input<V[number]>, V[number], O> => make({ is: 'one-of', values }, 'attribute', o),
  list: <W, R, const O extends Options<readonly W[]> = {}>(of: Field<W, R, any>, o?: O): Made<Input<readonly W[]>, readonly R[], O> => make({ is: 'list', of: of.type }, 'attribute', o),
  map: <W, R, const O extends Options<{ readonly [key: string]: W }> = {}>(of: Field<W, R, any>, o?: O): Made<Input<{ readonly [key: string]: W }>, { readonly [key: string]: R }, O> => make({ is: 'map', of: of.type }, 'attribute', o),
  json: <const O extends Options<unknown> = {}>(o?: O): Made<unknown, unknown, O> => make({ is: 'json' }, 'attribute', o),
  /** Grouped props where people think in groups; flattened with its prefix for Packer. */
  group: <F extends Fields, const O extends Options<never> = {}>(fields: F, o?: O): Made<PropsOf<F>, ResolvedOf<F>, O> => make({ is: 'object', fields }, 'group', o),
  block: <F extends Fields, const O extends Options<never> = {}>(fields: F, o?: O): Made<PropsOf<F>, ResolvedOf<F>, O> => make({ is: 'object', fields }, 'block', o),
  blocks: <F extends Fields, const O extends Options<never> = {}>(fields: F, o?: O): Made<readonly PropsOf<F>[], readonly ResolvedOf<F>[], O> => make({ is: 'objects', fields }, 'blocks', o),
  /** Another build with a source of this type; `base.source('name')` where it has several. */
  image: <const T extends string, const O extends Options<never> = {}>(type: T, o?: O): Made<ImageOf<T> | ImageRef<T>, BaseImage, O> => make({ is: 'image', type }, 'attribute', { packerName: false, ...o }),
};

/** The settings of a field in words, for messages and docs: `a string`, `a list of paths`, `'kvm' or 'tcg'`. */
export function describeType(type: FieldType): string {
  switch (type.is) {
    case 'string': return 'a string';
    case 'url': return 'a URL';
    case 'integer': return type.min !== undefined && type.max !== undefined ? `a whole number from ${type.min} to ${type.max}`
      : type.min !== undefined ? `a whole number of at least ${type.min}` : type.max !== undefined ? `a whole number of at most ${type.max}` : 'a whole number';
    case 'number': return 'a number';
    case 'boolean': return 'true or false';
    case 'size': return 'a Size, such as Size.gib(40)';
    case 'duration': return 'a Duration, such as Duration.minutes(5)';
    case 'path': return type.kind === 'any' ? 'a path' : `the path of a ${type.kind}`;
    case 'output-path': return 'a path to write to';
    case 'secret': return `a Secret, such as Secret.env('NAME')`;
    case 'sensitive-string': return 'a string or a Secret';
    case 'one-of': return type.values.map(v => `'${v}'`).join(' or ');
    case 'list': return `a list (each: ${describeType(type.of)})`;
    case 'map': return `an object of names and values (each: ${describeType(type.of)})`;
    case 'object': return 'an object';
    case 'objects': return 'a list of objects';
    case 'image': return `an ImageBuild with a '${type.type}' source`;
    case 'json': return 'any JSON value';
  }
}

export type { Ref };
