/** The tags that everything of ours carries from the moment it exists: by them it is found again, whoever made it and however that ended. */
import { randomBytes } from 'node:crypto';
import type { Tag } from '@aws-sdk/client-ec2';
import type { Context } from '../driver.js';

export const markTags = {
  /** The run that made it. */
  run: 'imagebake:run-id',
  /** When it may be removed by anybody who sweeps, in RFC 3339. Finished images have none. */
  expires: 'imagebake:expires-at',
  /** This one thing. */
  mark: 'imagebake:mark',
  /** The target that it was made for: `web/amazon-ebs`. */
  target: 'imagebake:target',
  /** All generations of one image. */
  family: 'imagebake:family',
  /** What went into a finished image: props, files and steps, as one digest. */
  key: 'imagebake:key',
} as const;

export interface Owner { readonly run: string; readonly target: string; /** RFC 3339. */ readonly expires: string }

/** Whose the things are that a target makes; `lifetime` in milliseconds. */
export function ownerOf(ctx: Pick<Context, 'run' | 'target'>, lifetime: number, now = Date.now()): Owner {
  return { run: ctx.run.id, target: ctx.target, expires: new Date(now + lifetime).toISOString().replace(/\.\d+Z$/, 'Z') };
}

/** A name for one thing that did not exist before. */
export const newMark = (): string => randomBytes(6).toString('hex');

export function tagsFor(owner: Owner, mark: string, name: string, more: { readonly [key: string]: string } = {}): Tag[] {
  return tagList({ Name: name, ...more, [markTags.run]: owner.run, [markTags.target]: owner.target, [markTags.expires]: owner.expires, [markTags.mark]: mark });
}

export function tagList(tags: { readonly [key: string]: string }): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
export function tagsOf(list: readonly Tag[] | undefined): { readonly [key: string]: string } {
  return Object.fromEntries((list ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])));
}
/** The same tags for several sorts of things that one call makes. */
export function specifications<R extends string>(types: readonly R[], Tags: Tag[]): { ResourceType: R; Tags: Tag[] }[] {
  return types.map(ResourceType => ({ ResourceType, Tags }));
}
