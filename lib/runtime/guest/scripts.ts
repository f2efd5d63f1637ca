/** What steps have in common that run scripts in guests, Unix and Windows alike. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { now } from '../clock.js';
import type { Communicator, Context, Exit } from '../driver.js';

/** Reads the script files of a step, one after the other, and runs each: `work` is given its content, and what to call it. */
export async function eachScript(props: { readonly script?: string | undefined; readonly scripts?: readonly string[] | undefined }, ctx: Context, work: (content: Buffer, what: string) => Promise<void>): Promise<void> {
  for (const file of props.scripts ?? [props.script!]) {
    const name = basename(file);
    if (props.scripts && props.scripts.length > 1) ctx.note(`Running ${name}.`);
    await work(await readFile(file), `the script ${name}`);
  }
}

/** What something is called, at the beginning of a sentence. */
export const atStart = (what: string): string => what[0]!.toUpperCase() + what.slice(1);

/** Runs a command; a guest that is not there when it is to start has some time (`budget`) to come back. Throws what `tooLate` makes of seconds and reason. */
export async function startInGuest(budget: { readonly $duration: number }, guest: Communicator, ctx: Context, tooLate: (seconds: number, reason: string) => Error, run: () => Promise<Exit>): Promise<Exit> {
  const start = now();
  for (;;) {
    const exit = await run();
    if (exit.how !== 'disconnected' || exit.started !== false) return exit;
    const left = start + budget.$duration - now(), reason = exit.reason ?? 'no reason known';
    if (left <= 0) throw tooLate(Math.round(budget.$duration / 1000), reason);
    ctx.note(`The guest is away (${reason}); waiting for it.`);
    await guest.reconnect({ budget: left, signal: ctx.signal }).catch(() => { ctx.signal.throwIfAborted(); });
  }
}
