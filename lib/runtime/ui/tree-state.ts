/** What a live view knows of each target, from the events so far. */
import type { ErrorData, Event, Outcome } from '../../events.js';
import { plainLine } from './text-width.js';

export interface TargetView {
  readonly target: string;
  state: 'waiting' | 'running' | Outcome;
  /** When it began, by the events' clock. */
  since: number;
  milliseconds: number;
  /** Labels of the steps that run now, from the outside in, and when the innermost of the target's own began. */
  steps: string[];
  stepSince: number;
  /** The last line that something printed. */
  line: string;
  progress: { readonly what: string; readonly done: number; readonly total: number | undefined; readonly unit: string } | undefined;
  error: ErrorData | undefined;
}

export class TreeState {
  run = '';
  readonly targets = new Map<string, TargetView>();
  ended: { readonly outcome: Outcome; readonly milliseconds: number } | undefined;

  apply(event: Event): void {
    if (event.type === 'run-start') {
      this.run = event.run;
      for (const target of event.targets) this.targets.set(target, { target, state: 'waiting', since: event.time, milliseconds: 0, steps: [], stepSince: event.time, line: '', progress: undefined, error: undefined });
      return;
    }
    if (event.type === 'run-end') { this.ended = event; return; }
    const view = this.targets.get(event.step[0] ?? '');
    if (!view) return;
    switch (event.type) {
      case 'step-start':
        if (event.step.length === 1) { view.state = 'running'; view.since = event.time; }
        else {
          view.steps = event.step.slice(1) as string[];
          if (event.step.length === 2) { view.stepSince = event.time; view.line = ''; }
        }
        view.progress = undefined;
        break;
      case 'step-end':
        if (event.step.length === 1) { view.state = event.outcome; view.milliseconds = event.milliseconds; view.error = event.error; view.steps = []; view.line = ''; }
        else view.steps = event.step.slice(1, -1) as string[];
        view.progress = undefined;
        break;
      case 'output': { const line = event.text.trimEnd().split('\n').at(-1); if (line !== undefined && line.trim() !== '') view.line = plainLine(line).trim(); break; }
      case 'note': if (!event.detail) view.line = plainLine(event.message.split('\n')[0]!); break;
      case 'progress': view.progress = { what: event.what, done: event.done, total: event.total, unit: event.unit }; break;
      default: break;
    }
  }
}
