/** What all calls of the test server share: the region, tags, filters, and the form of a table of calls. */
import type * as ec2 from '@aws-sdk/client-ec2';
import { type Call, Refusal } from './front.js';
import type { Region, World } from './world.js';

export interface Here { readonly world: World; readonly region: Region; readonly call: Call; /** Told when an instance runs: a real server may stand behind it. */ readonly launched: (id: string, region: Region) => void; /** Told when an instance was rebooted. */ readonly rebooted: (id: string, region: Region) => Promise<void> }
type Module = typeof ec2;
type In<A extends string> = Module[`${A}Command` & keyof Module] extends new (...args: infer P) => unknown ? Exclude<P[0], undefined> : never;
type Out<A extends string> = Module[`${A}Command` & keyof Module] extends new (...args: never[]) => { resolveMiddleware(...args: any[]): (...args: any[]) => Promise<{ output: infer O }> } ? Omit<O, '$metadata'> : never;
export type Calls<A extends string> = { readonly [K in A]: (input: In<K>, here: Here) => Out<K> | Promise<Out<K>> };

/** A table of calls, each typed by the SDK's own input and output. */
export const calls = <A extends string>(table: Calls<A>): Calls<A> => table;

/** The tags that a call puts on what it makes. Refuses a type that the call does not make. */
export function tagsFor(specifications: readonly ec2.TagSpecification[] | undefined, type: string, allowed: readonly string[]): ec2.Tag[] {
  for (const { ResourceType } of specifications ?? []) if (!allowed.includes(ResourceType ?? '')) throw new Refusal('InvalidParameterValue', `'${ResourceType}' is not a valid taggable resource type for this operation.`);
  return (specifications ?? []).filter(s => s.ResourceType === type).flatMap(s => {
    for (const { Key = '', Value = '' } of s.Tags ?? []) if (Key === '' || Key.length > 128 || Value.length > 256 || Key.startsWith('aws:')) throw new Refusal('InvalidParameterValue', `Tag '${Key}' is not allowed.`);
    const keys = (s.Tags ?? []).map(t => t.Key);
    if (new Set(keys).size !== keys.length) throw new Refusal('InvalidParameterValue', 'Duplicate tag key specified.');
    return (s.Tags ?? []).map(({ Key, Value }) => ({ Key, Value }));
  });
}

/** Whether something fits the filters. `values`: what it has under each filter's name; a name that is not there is refused. */
export function fits(filters: readonly ec2.Filter[] | undefined, values: { readonly [filter: string]: string | readonly string[] | undefined }, tags: readonly ec2.Tag[] | undefined): boolean {
  return (filters ?? []).every(({ Name = '', Values = [] }) => {
    const tag = /^tag:(.+)$/s.exec(Name)?.[1];
    if (tag === undefined && Name !== 'tag-key' && !(Name in values)) throw new Refusal('InvalidParameterValue', `The filter '${Name}' is invalid`);
    const has = tag !== undefined ? (tags ?? []).filter(t => t.Key === tag).map(t => t.Value ?? '') : Name === 'tag-key' ? (tags ?? []).map(t => t.Key ?? '') : [values[Name] ?? []].flat();
    return Values.some(wanted => has.some(value => pattern(wanted).test(value)));
  });
}
const pattern = (wanted: string): RegExp => new RegExp(`^${wanted.replace(/\\([*?\\])|([*?])|([.+^${}()|[\]\\])/g, (_all, escaped: string | undefined, wild: string | undefined, other: string | undefined) =>
  escaped !== undefined ? `\\${escaped}` : wild === '*' ? '.*' : wild === '?' ? '.' : `\\${other}`)}$`, 's');

/** The things asked for by id; each must be there. */
export function byIds<T>(ids: readonly string[] | undefined, all: ReadonlyMap<string, T>, code: string, what: string): (readonly [string, T])[] {
  if (ids === undefined || ids.length === 0) return [...all];
  return ids.map(id => {
    const found = all.get(id);
    if (found === undefined) throw new Refusal(code, `The ${what} '${id}' does not exist`);
    return [id, found] as const;
  });
}
export function one<T>(id: string | undefined, all: ReadonlyMap<string, T>, code: string, what: string): T { return byIds([id ?? ''], all, code, what)[0]![1]; }

/** A copy of a part of the input, all of which counts as looked at. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  return (Array.isArray(value) ? value.map(copyOf) : Object.fromEntries(Object.keys(value).map(key => [key, copyOf((value as { readonly [key: string]: unknown })[key])]))) as T;
}
