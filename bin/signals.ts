/** SIGINT, SIGTERM and SIGHUP: the first ends a run gracefully, the second at once. */
import { exitCodes } from '../lib/errors.js';

const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.hangup } as const;
export type EndingSignal = keyof typeof codes;

/** Runners such as tsx pass on a signal that the terminal has sent to us already; this close together, two are one. */
const oneSignal = 300;

/**
 * Runs work with a signal that aborts at the first SIGINT, SIGTERM or SIGHUP. At the second the process ends at once, with the exit code of
 * that signal: what it leaves stands in the journal. `reason` makes what the work is aborted with.
 */
export async function withSignals<T>(work: (signal: AbortSignal) => Promise<T>, reason: (name: EndingSignal) => unknown, told: (name: EndingSignal, again: boolean) => void): Promise<T> {
  const controller = new AbortController();
  let last = -Infinity;
  const listeners = (Object.keys(codes) as EndingSignal[]).map(name => {
    const listener = (): void => {
      const now = performance.now(), again = controller.signal.aborted;
      if (now - last < oneSignal) return;
      last = now;
      told(name, again);
      if (again) process.exit(codes[name]);
      controller.abort(reason(name));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  try {
    return await work(controller.signal);
  } finally {
    for (const [name, listener] of listeners) process.off(name, listener);
  }
}
