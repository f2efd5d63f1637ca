/** Making things on AWS so that nothing is ever lost: written down before the call, marked with tags in it, removed when its time is over. */
import type { Tag } from '@aws-sdk/client-ec2';
import type { Json } from '../../json.js';
import type { Context, JournalEntry } from '../driver.js';
import { newMark, type Owner, tagsFor } from './marks.js';
import { ambiguous } from './refusals.js';
import type { Session } from './session.js';
import { removeThing, sortOf, type Thing, type ThingType } from './things.js';

/** Milliseconds for one removal: an instance of Windows takes minutes to go. */
const deadline = 900_000;

/** Who makes: a target of a run, for one driver. */
export interface Maker {
  readonly ctx: Context;
  readonly session: Session;
  readonly owner: Owner;
  /** Kind key of the driver whose `reap` removes the things: `source/amazon-ebs`. */
  readonly driver: string;
  /** The user's tags on everything that is made while the build runs. */
  readonly tags: { readonly [key: string]: string };
}

export interface Made<T> {
  readonly value: T;
  readonly id: string;
  readonly thing: Thing;
  /** It stays: the journal forgets it, and nobody removes it. */
  keep(): Promise<void>;
  /** Removes it now. */
  remove(): Promise<void>;
}

export interface MakeOptions {
  /** For people, and its Name tag. */
  readonly name: string;
  readonly session?: Session;
  /** `failure`: it is what is being built, and stays when the step succeeded. `handed over`: it stays too, and whoever takes it over says so (`keep`). @default 'always' */
  readonly until?: 'always' | 'failure' | 'handed over';
  /** What it is known by, where AWS knows no tags of it. */
  readonly called?: string;
  /** An image's snapshots were made before it, and have entries of their own. */
  readonly keepSnapshots?: true;
}

/** Makes one thing. `call` is given the tags to put on it, and its mark, which serves as a client token. */
export async function make<T>(maker: Maker, type: ThingType, options: MakeOptions, call: (tags: (more?: { readonly [key: string]: string }) => Tag[], mark: string) => Promise<{ readonly id: string; readonly value: T }>): Promise<Made<T>> {
  const { ctx } = maker, session = options.session ?? maker.session, what = sortOf(type).what;
  for (let attempt = 1; ; attempt++) {
    const mark = newMark();
    const intended: Thing = { type, access: session.access, region: session.region, mark, ...(options.called === undefined ? {} : { name: options.called }), ...(options.keepSnapshots ? { keepSnapshots: true } : {}) };
    const entry = await ctx.journal.intend({ driver: maker.driver, what: `${what} in ${session.region}`, name: options.name, data: { thing: intended as unknown as Json } });
    let made: { readonly id: string; readonly value: T };
    try {
      made = await call(more => tagsFor(maker.owner, mark, options.name, { ...maker.tags, ...more }), mark);
    } catch (error) {
      const unsure = ambiguous(error) || ctx.signal.aborted;
      if (unsure) await ctx.scope.shield(signal => removeThing(session.with(signal), intended));
      await entry.gone();
      if (unsure && !ctx.signal.aborted && attempt < 3) continue;
      throw error;
    }
    const thing: Thing = { ...intended, id: made.id };
    await entry.made({ thing: thing as unknown as Json });
    return { value: made.value, id: made.id, thing, ...keeping(maker, entry, thing, session, options) };
  }
}

/** Takes over something that was made along with another thing: from now on it has a mark, and an entry in the journal, of its own. */
export async function adopt(maker: Maker, type: ThingType, id: string, options: MakeOptions, mark: (mark: string) => Promise<void>): Promise<Made<string>> {
  const session = options.session ?? maker.session, thing: Thing = { type, access: session.access, region: session.region, mark: newMark(), id };
  const entry = await maker.ctx.journal.intend({ driver: maker.driver, what: `${sortOf(type).what} in ${session.region}`, name: options.name, data: { thing: thing as unknown as Json } });
  await mark(thing.mark);
  await entry.made();
  return { value: id, id, thing, ...keeping(maker, entry, thing, session, options) };
}

/** What happens to a thing at the end of its scope, and before. */
function keeping({ ctx }: Maker, entry: JournalEntry, thing: Thing, session: Session, options: MakeOptions): Pick<Made<unknown>, 'keep' | 'remove'> {
  let over = false;
  const remove = async (): Promise<void> => {
    if (over) return;
    await removeThing(session.with(undefined), thing, message => ctx.note(message, { detail: true }));
    over = true;
    await entry.gone();
  };
  ctx.scope.defer(`remove ${sortOf(thing.type).what} ${options.name}`, async ending => {
    if (over || ending.outcome === 'kept') return;
    if (options.until === 'handed over' && ending.outcome === 'done') return;
    if (options.until === 'failure' && ending.outcome === 'done') { over = true; return await entry.gone(); }
    await remove();
  }, { deadline });
  return { remove, keep: async () => { over = true; await entry.gone(); } };
}
