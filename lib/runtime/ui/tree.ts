/** The live view of a terminal: a line a target, drawn again in place; what must not be missed scrolls by above it. */
import type { Event, Listener } from '../../events.js';
import type { Paint } from '../../paint.js';
import { seconds } from '../event-text.js';
import { plainLine, truncate, widthOf } from './text-width.js';
import { type TargetView, TreeState } from './tree-state.js';

/** What stands before a target's name. */
export interface Symbols { readonly done: string; readonly failed: string; readonly skipped: string; readonly waiting: string; readonly cached: string; readonly kept: string; readonly frames: readonly string[] }
const fine: Symbols = { done: '✔', failed: '✖', skipped: '-', waiting: '·', cached: '=', kept: '◆', frames: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] };
const ascii: Symbols = { done: '+', failed: 'x', skipped: '-', waiting: '.', cached: '=', kept: 'k', frames: ['|', '/', '-', '\\'] };

/** ASCII where the terminal's language does not say that it has more. */
export function symbolsFor(environment: NodeJS.ProcessEnv, platform: string = process.platform): Symbols {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return /utf-?8/i.test(locale) || platform !== 'linux' ? fine : ascii;
}

/** How the view looks. */
export interface Look { readonly paint: Paint; readonly symbols: Symbols }

export interface Frame { readonly width: number; readonly height: number; readonly now: number; readonly frame: number }

/** The lines of the view: what runs and what failed first, as many as fit. */
export function renderTree(state: TreeState, look: Look, { width, height, now, frame }: Frame): string[] {
  const views = [...state.targets.values()], room = Math.max(3, height - 2);
  const shown = views.length <= room ? views : byImportance(views).slice(0, room - 1).sort((a, b) => views.indexOf(a) - views.indexOf(b));
  const names = Math.min(Math.max(...shown.map(v => widthOf(v.target)), 0), Math.max(10, Math.floor(width / 3)));
  const lines = shown.map(view => renderTarget(view, names, look, width, now, frame));
  if (shown.length < views.length) lines.push(look.paint.dim(truncate(`  and ${summaryOf(views.filter(v => !shown.includes(v)))}`, width)));
  return lines;
}

function renderTarget(view: TargetView, names: number, look: Look, width: number, now: number, frame: number): string {
  const { paint, symbols } = look;
  const name = truncate(view.target, names), pad = ' '.repeat(Math.max(0, names - widthOf(name)));
  const rest = Math.max(0, width - names - 4);
  switch (view.state) {
    case 'waiting': return paint.dim(`${symbols.waiting} ${name}`);
    case 'running': {
      const time = seconds(Math.max(0, now - view.stepSince)), label = view.steps.map(s => shortLabel(s, view.target)).join(' > ');
      const head = truncate(`${label}  ${time}`, rest), left = rest - widthOf(head) - 2;
      const more = view.progress ? progressText(view.progress) : view.line;
      return `${paint.cyan(symbols.frames[frame % symbols.frames.length]!)} ${paint.bold(name)}${pad}  ${head}${left > 8 && more !== '' ? `  ${paint.dim(truncate(more, left))}` : ''}`;
    }
    case 'failed': return `${paint.red(symbols.failed)} ${paint.bold(name)}${pad}  ${paint.red(truncate(`failed after ${seconds(view.milliseconds)}: ${inOneLine(view.error?.message ?? '')}`, rest))}`;
    case 'done': return `${paint.green(symbols.done)} ${name}${pad}  ${paint.dim(truncate(seconds(view.milliseconds), rest))}`;
    default: {
      const symbol = view.state === 'cached' ? symbols.cached : view.state === 'kept' ? symbols.kept : symbols.skipped;
      return `${paint.yellow(symbol)} ${name}${pad}  ${paint.dim(truncate(view.state === 'cached' ? 'up to date' : view.state, rest))}`;
    }
  }
}

/** The first line of a message; where it only announces the others, the last one too. */
function inOneLine(message: string): string {
  const lines = message.split('\n'), first = plainLine(lines[0]!);
  return first.endsWith(':') && lines.length > 1 ? `${first} ${plainLine(lines.at(-1)!).trim()}` : first;
}

/** `web/shell-2` under `web/qemu` is the step `shell-2`. */
function shortLabel(label: string, target: string): string {
  const build = target.slice(0, target.lastIndexOf('/') + 1);
  return label.startsWith(build) ? label.slice(build.length) : label;
}

function byImportance(views: readonly TargetView[]): TargetView[] {
  const rank = (v: TargetView): number => ({ running: 0, failed: 1, kept: 1, cancelled: 2, waiting: 3 } as { readonly [state: string]: number })[v.state] ?? 4;
  return [...views].sort((a, b) => rank(a) - rank(b));
}

function summaryOf(views: readonly TargetView[]): string {
  const counts = new Map<string, number>();
  for (const { state } of views) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, n]) => `${n} ${state}`).join(', ');
}

export function progressText({ what, done, total, unit }: NonNullable<TargetView['progress']>): string {
  const amount = (n: number): string => unit === 'bytes' ? bytes(n) : unit === 'milliseconds' ? seconds(n) : String(n);
  return total === undefined || total === 0 ? `${what} ${amount(done)}` : `${what} ${Math.floor((100 * done) / total)}% of ${amount(total)}`;
}
function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'], i = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** i).toFixed(i === 0 ? 0 : 1)} ${units[i]}`;
}

export interface LiveView { readonly listen: Listener; /** Takes the view away, for a question; `resume` brings it back. */ suspend(): void; resume(): void; /** Takes it away for good. */ close(): void }

type Terminal = { write(text: string): unknown; readonly columns?: number; readonly rows?: number };

/** Draws on a terminal, at most ten times a second. */
export function makeTree(terminal: Terminal, look: Look): LiveView {
  const state = new TreeState();
  let drawn = 0, frame = 0, dirty = false, suspended = false, closed = false;
  const erase = (): string => (drawn > 0 ? `\x1b[${drawn}A\r\x1b[J` : '');
  const draw = (above = ''): void => {
    const lines = suspended || closed ? [] : renderTree(state, look, { width: (terminal.columns ?? 80) - 1, height: terminal.rows ?? 24, now: Date.now(), frame });
    // Between these two marks a terminal that knows them shows nothing half-drawn.
    terminal.write(`\x1b[?2026h${erase()}${above}${lines.map(l => `${l}\n`).join('')}\x1b[?2026l`);
    drawn = lines.length;
    dirty = false;
  };
  const restore = (): void => { terminal.write('\x1b[?25h'); };
  const timer = setInterval(() => { frame++; if (!suspended && (dirty || drawn > 0)) draw(); }, 100);
  timer.unref();
  process.once('exit', restore);
  terminal.write('\x1b[?25l');
  return {
    listen(event: Event) {
      if (closed) return;
      state.apply(event);
      dirty = true;
      if (event.type === 'warning' && !event.problem) draw(`${look.paint.yellow('warning')} ${event.step.length > 0 ? `${event.step[0]}: ` : ''}${event.message.split('\n').map(plainLine).join('\n  ')}\n`);
    },
    suspend() { suspended = true; draw(); restore(); },
    resume() { suspended = false; terminal.write('\x1b[?25l'); draw(); },
    close() {
      if (closed) return;
      clearInterval(timer);
      if (!suspended) draw();
      closed = true;
      restore();
      process.removeListener('exit', restore);
    },
  };
}
