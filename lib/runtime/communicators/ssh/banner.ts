/** From "there should be a server" to "an SSH server has greeted us": many short attempts, because a forwarded port accepts at once and then hangs. */
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { isBakeError, messageOf } from '../../../errors.js';

/**
 * Opens a stream to the server: directly, through a bastion or a proxy. Rejects when it cannot. `guestIsThere`: the guest is known to have its address,
 * so that a connection that stays open is its own doing; then few attempts are made, with patience: many would keep a slow server busy.
 */
export type Dial = ((signal: AbortSignal) => Promise<Duplex>) & { readonly guestIsThere?: boolean };

/** What the attempts met last: no connection, or a connection without a greeting. */
export interface BannerFailure { readonly phase: 'tcp' | 'banner'; readonly error: string }

const pace = 400;
const afterRefusal = 200;

/** A direct connection, without Nagle's delay. */
export const dialTcp = (host: string, port: number): Dial => signal => new Promise((resolve, reject) => {
  const socket = connectTcp({ host, port, noDelay: true });
  const abandon = (): void => { socket.destroy(); reject(signal.reason as Error); };
  if (signal.aborted) return abandon();
  signal.addEventListener('abort', abandon, { once: true });
  socket.once('error', reject);
  socket.once('connect', () => {
    signal.removeEventListener('abort', abandon);
    socket.removeListener('error', reject);
    resolve(socket);
  });
});

/**
 * Resolves with a stream on which the server's first line has arrived (and still is to be read). A new attempt starts every 400 ms while the
 * earlier ones hang; one attempt at a time is given longer and longer, for servers that need seconds to greet. Ends only by `signal`.
 */
export async function reachBanner(dial: Dial, signal: AbortSignal, failed: (failure: BannerFailure) => void): Promise<Duplex> {
  const all = new AbortController(), started: Promise<void>[] = [], begun = Date.now();
  const calm = (): number => Math.min(20_000, Math.max(6000, (Date.now() - begun) / 4));
  let live = 0, patience = 2000, patient = false, won: Duplex | undefined, fatal: Error | undefined, wake: () => void = () => {};
  const stop = (): void => { all.abort(signal.reason); wake(); };
  const attempt = async (): Promise<void> => {
    const long = !patient && !dial.guestIsThere, lifetime = dial.guestIsThere ? calm() : long ? patience : 2 * pace;
    if (long) { patient = true; patience = Math.min(30_000, patience * 2); }
    live += 1;
    const own = new AbortController(), timer = setTimeout(() => own.abort(new Error(`no answer within ${Math.round(lifetime)} ms`)), lifetime);
    const either = AbortSignal.any([own.signal, all.signal]);
    let phase: BannerFailure['phase'] = 'tcp', stream: Duplex | undefined;
    try {
      stream = await dial(either);
      phase = 'banner';
      await greeting(stream, either);
      if (won || all.signal.aborted) stream.destroy(); else won = stream;
    } catch (error) {
      stream?.destroy();
      // What we know to be wrong for good (a bastion that refuses us) is not tried again.
      if (isBakeError(error)) fatal ??= error;
      else if (!all.signal.aborted) failed({ phase, error: messageOf(error) });
    } finally {
      clearTimeout(timer);
      if (long) patient = false;
      live -= 1;
      wake();
    }
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const since = Date.now();
      started.push(attempt());
      for (;;) {
        signal.throwIfAborted();
        if (won) return won;
        if (fatal) throw fatal;
        const left = since + (live === 0 ? afterRefusal : dial.guestIsThere ? calm() / 4 : pace) - Date.now();
        if (left <= 0) break;
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, left);
          wake = () => { clearTimeout(timer); resolve(); };
        });
      }
      if (started.length > 64) started.splice(0, started.length - 16);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    all.abort();
    await Promise.all(started);
  }
}

/** Waits for a line that begins with `SSH-`, and puts everything back to be read again. */
function greeting(stream: Duplex, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const done = (error?: Error): void => {
      stream.pause();
      stream.off('data', take).off('error', lost).off('end', ended).off('close', ended);
      signal.removeEventListener('abort', abandoned);
      if (error) { stream.on('error', () => {}); reject(error); return; }
      stream.unshift(seen);
      resolve();
    };
    const take = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      if (/^SSH-/m.test(seen.toString('latin1'))) done();
      else if (seen.length > 8192 || !/[^\x20-\x7e\s]/.test(seen.toString('latin1')) && /^(HTTP\/|\d{3}[ -]|<)/.test(seen.toString('latin1'))) {
        done(new Error(`what answers is no SSH server: '${seen.toString('latin1', 0, 60).replace(/[^\x20-\x7e]+/g, ' ').trim()}'`));
      }
    };
    const lost = (error: Error): void => done(error);
    const ended = (): void => done(new Error('the connection was accepted and closed without a greeting'));
    const abandoned = (): void => done(signal.reason as Error);
    if (signal.aborted) { reject(signal.reason as Error); return; }
    signal.addEventListener('abort', abandoned, { once: true });
    stream.on('data', take).on('error', lost).on('end', ended).on('close', ended);
    // A stream that a proxy's answer was read from stands still.
    stream.resume();
  });
}
