/** Standard input of a command, in messages that even the oldest service takes (150 KB in base64). */
import type { ExecOptions } from '../../driver.js';
import type { Lane } from './lane.js';
import { WsmanFault } from './soap.js';

const most = 96 * 1024;

/**
 * Sends what there is to be sent. A short input is sent before the first output is asked for; a long one goes beside it, and `done` is its end.
 * A command may end without reading its input: that is no failure. `failed`: what the source of the input throws.
 */
export async function feed(lane: Lane, command: string, stdin: ExecOptions['stdin'], signal: AbortSignal, failed: (error: unknown) => void): Promise<{ readonly done: Promise<void> }> {
  const whole = stdin === undefined ? new Uint8Array() : typeof stdin === 'string' ? Buffer.from(stdin) : stdin instanceof Uint8Array ? stdin : undefined;
  if (whole !== undefined && whole.length <= most) {
    await lane.send(command, whole, true, false, signal).catch(error => { if (!ended(error)) throw error; });
    return { done: Promise.resolve() };
  }
  // Where the command has ended, nobody waits for the rest of its input.
  const over = new Promise<void>(resolve => { signal.addEventListener('abort', () => resolve(), { once: true }); });
  return { done: Promise.race([over, stream(lane, command, whole === undefined ? stdin as AsyncIterable<Uint8Array> : pieces(whole), signal, failed)]) };
}

async function stream(lane: Lane, command: string, input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
  let held: Uint8Array[] = [], bytes = 0, gone = false;
  const flush = async (end: boolean): Promise<void> => {
    const all = Buffer.concat(held);
    held = [];
    bytes = 0;
    for (let at = 0; at === 0 || at < all.length; at += most) {
      if (gone || signal.aborted) return;
      // What goes wrong here shows in the command's end, or its absence.
      await lane.send(command, all.subarray(at, at + most), end && at + most >= all.length, true, signal).catch(() => { gone = true; });
    }
  };
  try {
    for await (const chunk of input) {
      if (gone || signal.aborted) return;
      held.push(chunk);
      bytes += chunk.length;
      if (bytes >= most) await flush(false);
    }
    await flush(true);
  } catch (error) { if (!signal.aborted) failed(error); }
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += most) yield bytes.subarray(at, at + most);
}

const ended = (error: unknown): boolean => error instanceof WsmanFault;
