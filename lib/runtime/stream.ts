/** The one stream of events of a run: each is redacted, then given to every listener in order. */
import { date } from './clock.js';
import type { Event, EventBody, Listener, StepPath } from '../events.js';
import { messageOf } from '../errors.js';
import type { Redactor } from './secrets/redact.js';

export interface EventStream {
  emit(step: StepPath, event: EventBody): void;
  /** For text that is redacted already. */
  emitClean(step: StepPath, event: EventBody): void;
}

export function makeEventStream(listeners: readonly Listener[], redactor: Redactor): EventStream {
  const working = new Set(listeners);
  const emitClean = (step: StepPath, event: EventBody): void => {
    const whole: Event = { time: date(), step, ...event };
    for (const listener of working) {
      try {
        listener(whole);
      } catch (error) {
        // A listener that fails (a full disk, a closed terminal) must not fail the build, nor be asked again.
        working.delete(listener);
        emitClean([], { type: 'warning', code: 'LISTENER_FAILED', message: redactor.text(`A listener of events failed and hears no more: ${messageOf(error)}`) });
      }
    }
  };
  return { emit: (step, event) => emitClean(step, redactor.deep(event)), emitClean };
}

/** Turns the chunks of a command's output into events of whole lines, without secrets. */
export interface OutputLines {
  push(stream: 'stdout' | 'stderr', chunk: Uint8Array | string): void;
  /** Emits what has no line end yet. */
  end(): void;
}

/** More than this without a line end is passed on as it is. */
const longestLine = 64 * 1024;

export function makeOutputLines(redactor: Redactor, emit: (stream: 'stdout' | 'stderr', text: string) => void): OutputLines {
  const open = new Map<'stdout' | 'stderr', { readonly decoder: InstanceType<typeof TextDecoder>; readonly redacting: ReturnType<Redactor['stream']>; rest: string }>();
  return {
    push(stream, chunk) {
      let state = open.get(stream);
      if (!state) open.set(stream, state = { decoder: new TextDecoder(), redacting: redactor.stream(), rest: '' });
      const text = typeof chunk === 'string' ? chunk : state.decoder.decode(chunk, { stream: true });
      const clean = state.rest + state.redacting.push(text);
      const cut = clean.length > longestLine ? clean.length : clean.lastIndexOf('\n') + 1;
      state.rest = clean.slice(cut);
      if (cut > 0) emit(stream, clean.slice(0, cut));
    },
    end() {
      for (const [stream, state] of open) {
        const text = state.rest + state.redacting.push(state.decoder.decode()) + state.redacting.end();
        if (text !== '') emit(stream, text);
      }
      open.clear();
    },
  };
}
