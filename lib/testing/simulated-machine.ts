/** The machine of a simulation: files in memory, commands answered by a Guest, a connection that can be lost, boots that can be told apart. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errors } from '../errors.js';
import { type AnyField, fieldsOf, type Fields } from '../fields.js';
import type { AnyKind } from '../kinds.js';
import { now } from '../runtime/clock.js';
import { bootQuestion } from '../runtime/communicators/reboot.js';
import type { Artifact, Communicator, ExecOptions, Exit, Machine, UploadOptions } from '../runtime/driver.js';
import { quotePath } from '../runtime/guest/quote.js';
import { cancellation, sleep } from '../runtime/retry.js';
import { type Answer, type Asked, RuleBook } from './guest.js';
import type { Recorder } from './simulation.js';

const fail = errors('SIMULATION', {
  NO_FILE: { message: (path: string) => `There is no '${path}' in the simulated guest.`, remedy: `Give it: new Guest({ files: { '…': '…' } }), or let a command write it: { writes: { '…': '…' } }.` },
  NOT_BACK: { message: (seconds: number) => `The simulated guest did not answer within ${seconds} s.`, remedy: 'It was scripted so: reboots is longer than that, or never ends.' },
});

/** Which step is at work, for those who are only asked for a command. */
export const atWork = new AsyncLocalStorage<string>();

export class SimulatedMachine implements Machine {
  /** Content by path. */
  readonly files = new Map<string, Buffer>();
  readonly book: RuleBook;
  readonly hostValues = { guestHost: '192.0.2.10', guestPort: '22', guestUser: 'root', httpIp: '192.0.2.1', httpPort: '8000', httpAddress: '192.0.2.1:8000' };
  #boot = 1;
  #downUntil = 0;
  readonly #scripts = new Set<string>();
  /** How the last script ended whose connection was lost. */
  #left: number | undefined;

  constructor(readonly kind: AnyKind, readonly target: string, book: RuleBook, readonly recorder: Recorder, readonly outputs: { readonly [name: string]: unknown }) {
    this.book = book;
    for (const [path, content] of Object.entries(book.guest.files)) this.files.set(path, Buffer.from(content));
  }

  async connect(): Promise<Communicator> {
    const { guest: { system } } = this.book;
    return {
      guest: system, endpoint: { type: 'none' },
      exec: (command, options) => this.exec(command, options),
      upload: async (from, to, options) => this.receive(to, typeof from === 'string' ? readFileSync(from) : Buffer.from(from), options?.mode ?? (typeof from === 'string' ? statSync(from).mode & 0o7777 : 0o644), options),
      uploadFolder: async (from, to, options) => this.receiveFolder(from, to, options),
      download: async (from, to) => this.send(from, to),
      downloadFolder: async (from, to) => { for (const path of this.inside(from)) this.send(path, join(to, path.slice(from.length))); },
      reconnect: options => this.reconnect(options?.budget ?? Infinity, options?.signal),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async capture(): Promise<Artifact> {
    return { madeBy: this.kind.key, id: `simulated:${this.target}`, files: [], data: {}, outputs: { ...fabricated(this.kind.outputs), ...this.outputs } };
  }

  async exec(command: string, options: ExecOptions = {}): Promise<Exit> {
    const { signal, script } = options;
    if (signal?.aborted) throw cancellation(signal);
    if (now() < this.#downUntil) return { how: 'disconnected', started: false, reason: 'the guest is not there' };
    if (command.startsWith(bootQuestion)) return this.say(`boot-${this.#boot}\nup\n${command.length > bootQuestion.length ? this.#left ?? '' : ''}\n`, options);
    const kept = /^if \[ -d (.+?) \]; then exit 10/.exec(command)?.[1];
    if (kept !== undefined) return { how: 'exited', code: this.kindOf(kept) };
    // What the shell provisioner removes of its own is no command of the program.
    if (script === undefined && [...this.#scripts].some(path => command.startsWith(`rm -f ${quotePath(path)}`))) return { how: 'exited', code: 0 };
    if (script !== undefined) { this.files.set(script.path, Buffer.from(script.content)); this.#scripts.add(script.path); }
    try {
      const whole = this.book.answer('step', this.step, this.asked(script?.environment));
      if (whole !== undefined) return await this.perform(whole, script === undefined ? command : basename(script.path), options);
      const text = script && Buffer.from(script.content).toString('utf8'), careful = text === undefined || /^(#!.*\s-[a-z]*e|\s*set\s+-[a-z]*e)/m.test(text);
      let exit: Exit = { how: 'exited', code: 0 };
      for (const each of text === undefined ? [command] : script!.commands ?? commandsOf(text)) {
        exit = await this.perform(this.answerTo(each, script), each, options);
        if (exit.how !== 'exited' || (exit.code !== 0 && careful)) break;
      }
      return exit;
    } finally {
      if (script !== undefined) this.files.delete(script.path);
    }
  }

  private get step(): string { return atWork.getStore() ?? ''; }

  private asked(environment: Asked['environment'] = {}): Omit<Asked, 'command' | 'match' | 'time'> {
    return { target: this.target, step: this.step, environment, files: new Map([...this.files].map(([path, content]) => [path, content.toString('utf8')])) };
  }

  private answerTo(command: string, script: ExecOptions['script']): Answer {
    const answer = this.book.answer('guest', command, this.asked(script?.environment));
    if (answer === undefined && script !== undefined && this.book.guest.strict) return { exit: 127, stderr: `The simulated guest has no answer to: ${command}\n` };
    return answer ?? {};
  }

  /** Does what an answer says. */
  private async perform(answer: Answer, command: string, options: ExecOptions): Promise<Exit> {
    const { recorder, target, step } = this, record = recorder.command({ target, step, where: 'guest', command });
    if (answer.stdout !== undefined) await options.stdout?.(Buffer.from(answer.stdout));
    if (answer.stderr !== undefined) await options.stderr?.(Buffer.from(answer.stderr));
    if (answer.hangs) await forEver(options.signal);
    if (answer.takes !== undefined) await sleep(answer.takes.$duration, options.signal);
    for (const [path, content] of Object.entries(answer.writes ?? {})) this.files.set(path, Buffer.from(content));
    for (const path of answer.removes ?? []) this.files.delete(path);
    if (answer.reboots !== undefined) {
      this.#boot++;
      this.#left = undefined;
      this.#downUntil = answer.reboots === 'never' ? Infinity : now() + answer.reboots.$duration;
      return record.ended({ how: 'disconnected', reason: 'the guest reboots' });
    }
    const exit: Exit = answer.signal === undefined ? { how: 'exited', code: answer.exit ?? 0 } : { how: 'signalled', signal: answer.signal };
    if (!answer.drops) return record.ended(exit);
    this.#left = exit.how === 'exited' ? exit.code : 1;
    return record.ended({ how: 'disconnected', reason: 'the connection was dropped' });
  }

  private async say(text: string, options: ExecOptions): Promise<Exit> {
    await options.stdout?.(Buffer.from(text));
    return { how: 'exited', code: 0 };
  }

  private async reconnect(budget: number, signal: AbortSignal | undefined): Promise<void> {
    const wait = this.#downUntil - now();
    if (wait <= 0) return;
    if (wait > budget) {
      if (Number.isFinite(budget)) await sleep(budget, signal); else await forEver(signal);
      throw fail.NOT_BACK(Math.round(budget / 1000));
    }
    await sleep(wait, signal);
  }

  private receive(path: string, content: Buffer, mode: number, options: UploadOptions = {}): void {
    this.files.set(path, content);
    options.progress?.(content.length);
    this.recorder.uploads.push({ target: this.target, step: this.step, path, mode, size: content.length, text: content.toString('utf8') });
  }

  private receiveFolder(from: string, to: string, options: UploadOptions | undefined): void {
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const path = join(from, entry.name), inGuest = `${to.replace(/\/$/, '')}/${entry.name}`;
      if (entry.isDirectory()) this.receiveFolder(path, inGuest, options);
      else this.receive(inGuest, entry.isSymbolicLink() ? Buffer.from(readlinkSync(path)) : readFileSync(path), statSync(path, { throwIfNoEntry: false })?.mode ?? 0o777 & 0o7777, options);
    }
  }

  /** Nothing is written on this computer: that it would be is recorded. */
  private send(from: string, to: string): void {
    const content = this.files.get(from);
    if (content === undefined) throw fail.NO_FILE(from);
    this.recorder.downloads.push({ target: this.target, step: this.step, path: from, to, text: content.toString('utf8') });
  }

  private inside(folder: string): string[] {
    const found = [...this.files.keys()].filter(path => path.startsWith(`${folder.replace(/\/$/, '')}/`));
    if (found.length === 0) throw fail.NO_FILE(folder);
    return found;
  }

  /** What the file provisioner asks before it downloads: 10 a folder, 11 a file, 0 nothing. */
  private kindOf(word: string): number {
    const paths = [...this.files.keys()];
    if (paths.some(path => quotePath(path) === word)) return 11;
    return paths.some(path => path.split('/').some((_, i, parts) => i > 0 && quotePath(parts.slice(0, i).join('/')) === word)) ? 10 : 0;
  }
}

function forEver(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => { signal?.addEventListener('abort', () => reject(cancellation(signal)), { once: true }); });
}

/** The lines of a shell script that do something; lines that end with a backslash go on. A script for another interpreter is one command. */
function commandsOf(script: string): string[] {
  if (/^#!/.test(script) && !/^#!.*\b(ba|da|k|mk|z|a)?sh\b/.test(script.split('\n', 1)[0]!)) return [script];
  return script.replace(/\s*\\\n\s*/g, ' ').split('\n').map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#') && !line.startsWith('set ') && !line.startsWith('(set -o pipefail)'));
}

/** Outputs that a simulation makes up: of the right type, and recognizable. */
export function fabricated(outputs: Fields): { readonly [name: string]: unknown } {
  return Object.fromEntries(fieldsOf(outputs).map(([name, output]) => [name, fabricatedValue(name, output.type)]));
}

function fabricatedValue(name: string, type: AnyField['type']): unknown {
  switch (type.is) {
    case 'integer': case 'number': return 1;
    case 'boolean': return false;
    case 'size': return { $size: 1024 ** 3 };
    case 'duration': return { $duration: 1000 };
    case 'one-of': return type.values[0];
    case 'list': case 'objects': return [];
    case 'map': case 'object': return {};
    case 'json': return null;
    default: return `simulated-${name}`;
  }
}
