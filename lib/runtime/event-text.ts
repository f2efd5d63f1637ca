/** Events in words: for log files, terminals without a live view, and tests. */
import type { Event } from '../events.js';

/** What to show of an event; undefined: nothing. Several lines for outputs and errors. Targets and run are left to the caller's prefix. */
export function describeEvent(event: Event, options: { readonly detail?: boolean } = {}): string | undefined {
  const step = event.step.slice(1).join(' > ');
  const at = step === '' ? '' : `${step}: `;
  switch (event.type) {
    case 'run-start': return `run ${event.run}: ${event.targets.join(', ')}`;
    case 'run-end': return `run ${event.outcome} after ${seconds(event.milliseconds)}`;
    case 'step-start': return event.step.length <= 2 || options.detail ? (step === '' ? 'begins' : `${step} …`) : undefined;
    case 'step-end':
      if (event.outcome === 'done' && event.step.length > 2 && !options.detail) return undefined;
      return `${step === '' ? '' : `${step} `}${event.outcome} after ${seconds(event.milliseconds)}${event.error ? `\n${event.error.message}${event.error.remedy === undefined ? '' : `\n  ${event.error.remedy}`}` : ''}`;
    case 'output': return event.text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n').map(line => `  ${lastFrame(line)}`).join('\n');
    case 'progress': return undefined;
    case 'note': return event.detail && !options.detail ? undefined : `${at}${event.message}`;
    case 'warning': return `warning: ${at}${event.message}`;
    case 'artifact': return `artifact ${event.id}${event.files.length > 0 && !(event.files.length === 1 && event.files[0] === event.id) ? ` (${event.files.join(', ')})` : ''}`;
  }
}

/** A length of time for people: `0.3 s`, `12 s`, `3 min 05 s`, `1 h 02 min`. */
export function seconds(milliseconds: number): string {
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const s = Math.round(milliseconds / 1000), m = Math.floor(s / 60);
  if (m === 0) return `${s} s`;
  return m < 60 ? `${m} min ${String(s % 60).padStart(2, '0')} s` : `${Math.floor(m / 60)} h ${String(m % 60).padStart(2, '0')} min`;
}

/** Progress bars return to the beginning of their line: the last picture counts. */
const lastFrame = (line: string): string => line.replace(/\r$/, '').slice(line.replace(/\r$/, '').lastIndexOf('\r') + 1);
