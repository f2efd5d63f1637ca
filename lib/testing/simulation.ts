/** What happened in a simulation. */
import type { Event, ErrorData, Outcome } from '../events.js';
import type { ExitCode } from '../errors.js';
import type { Problem } from '../problems.js';
import type { Artifact, Exit } from '../runtime/driver.js';
import type { RunResult, TargetResult } from '../runtime/results.js';
import type { Pattern } from './guest.js';

export interface CommandRun { readonly target: string; readonly step: string; /** The guest, or this computer. */ readonly where: 'guest' | 'host'; readonly command: string; /** Undefined: it was ended before. */ readonly exit: Exit | undefined }
export interface FileSent { readonly target: string; readonly step: string; readonly path: string; readonly mode: number; readonly size: number; readonly text: string }
export interface FileFetched { readonly target: string; readonly step: string; readonly path: string; readonly to: string; readonly text: string }
/** A step as it went; milliseconds on the simulation's clock. */
export interface StepRun { readonly target: string; readonly step: string; readonly outcome: Outcome; readonly milliseconds: number; readonly error?: ErrorData }

/** Takes down what happens, as it happens. */
export class Recorder {
  readonly commands: { target: string; step: string; where: 'guest' | 'host'; command: string; exit: Exit | undefined }[] = [];
  readonly uploads: FileSent[] = [];
  readonly downloads: FileFetched[] = [];
  readonly events: Event[] = [];

  command(run: Omit<CommandRun, 'exit'>): { ended(exit: Exit): Exit } {
    const entry = { ...run, exit: undefined as Exit | undefined };
    this.commands.push(entry);
    return { ended: exit => (entry.exit = exit) };
  }
}

export class Simulation {
  /** How it ended as a whole: `done`, `failed`, `cancelled`. */
  readonly outcome: Outcome;
  /** What the command line would end with. */
  readonly exit: ExitCode;
  readonly targets: readonly TargetResult[];
  /** Every step of every target in the order in which they ended: start, connect, the provisioners by path, capture, post-processors. */
  readonly steps: readonly StepRun[];
  readonly commands: readonly CommandRun[];
  readonly uploads: readonly FileSent[];
  readonly downloads: readonly FileFetched[];
  readonly events: readonly Event[];
  readonly artifacts: readonly Artifact[];
  readonly warnings: readonly string[];
  /** What was found before anything was started; nothing was, then. */
  readonly problems: readonly Problem[];
  /** On the simulation's clock. */
  readonly milliseconds: number;

  constructor(result: RunResult, recorder: Recorder, readonly filesByTarget: ReadonlyMap<string, ReadonlyMap<string, Buffer>>) {
    this.outcome = result.outcome;
    this.exit = result.exit;
    this.targets = result.targets;
    this.steps = result.targets.flatMap(target => target.steps.map(({ label, ...step }): StepRun => ({ target: target.target, step: label, ...step })));
    this.commands = recorder.commands;
    this.uploads = recorder.uploads;
    this.downloads = recorder.downloads;
    this.events = recorder.events;
    this.artifacts = result.targets.flatMap(t => t.artifacts);
    this.warnings = result.warnings;
    this.problems = result.problems;
    this.milliseconds = result.milliseconds;
  }

  /** The first error, of the target that failed. */
  get error(): ErrorData | undefined { return this.targets.find(t => t.error !== undefined)?.error; }

  /** How a target went. Throws where there is none of this path. */
  target(path: string): TargetResult {
    const found = this.targets.find(t => t.target === path);
    if (found === undefined) throw new Error(`There is no target '${path}'. There are: ${this.targets.map(t => t.target).join(', ')}.`);
    return found;
  }

  /** How a step went, by its path; undefined: it was not begun. */
  step(path: string, target?: string): StepRun | undefined { return this.steps.find(s => s.step === path && (target === undefined || s.target === target)); }

  /** Commands that were run, in order: all, or those that match. */
  ran(pattern: Pattern = /^/): readonly string[] {
    return this.commands.map(c => c.command).filter(command => (typeof pattern === 'string' ? command === pattern : pattern.test(command)));
  }

  /** What commands printed, of all targets or of one. */
  output(target?: string): string {
    return this.events.flatMap(e => (e.type === 'output' && (target === undefined || e.step[0] === target) ? [e.text] : [])).join('');
  }

  /** A file in a target's guest at the end, as text; undefined: there is none. */
  file(target: string, path: string): string | undefined { return this.filesByTarget.get(target)?.get(path)?.toString('utf8'); }
}
