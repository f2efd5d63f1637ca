/** A scripted guest: what it answers to commands, how long they take, and when it goes away. */
import { isObject } from '../json.js';
import type { Duration } from '../values.js';

/** What a command does. Left out: it succeeds, says nothing, and takes no time. */
export interface Answer {
  /** @default 0 */
  readonly exit?: number;
  /** It is ended by a signal instead. */
  readonly signal?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  /** On the simulation's own clock: an hour costs nothing. */
  readonly takes?: Duration;
  /** It never ends by itself. */
  readonly hangs?: boolean;
  /** Files that it writes in the guest: path -> content. */
  readonly writes?: { readonly [path: string]: string };
  /** Files that it removes. */
  readonly removes?: readonly string[];
  /** The connection is lost before its exit status comes; the guest goes on. */
  readonly drops?: boolean;
  /** The guest reboots, and answers again after this time, or never. */
  readonly reboots?: Duration | 'never';
}

/** What an answer may depend on. */
export interface Asked {
  readonly command: string;
  /** What a pattern's groups matched. */
  readonly match: RegExpExecArray | undefined;
  /** `web/qemu`, `web/shell-2` */
  readonly target: string;
  readonly step: string;
  /** How often a command matched this pattern on this target, counted from 1. */
  readonly time: number;
  readonly environment: { readonly [name: string]: string };
  /** Files of the guest, as text. */
  readonly files: ReadonlyMap<string, string>;
}
export type Answers = Answer | readonly Answer[] | ((asked: Asked) => Answer | undefined);
/** A command: text in which `*` stands for anything, the whole line; or an expression that is found in it. */
export type Pattern = string | RegExp;

export interface Rule { readonly where: 'guest' | 'host' | 'step'; readonly pattern: RegExp; readonly answers: Answers }

export interface GuestProps {
  /** Files that are there from the start: path -> content. */
  readonly files?: { readonly [path: string]: string };
  /** @default 'unix' */
  readonly system?: 'unix' | 'windows';
  /** A command that no pattern matches fails its step. @default false */
  readonly strict?: boolean;
}

/**
 * Describes a guest. The first pattern that matches answers; a list of answers is given one after the other, the last again and again.
 *
 *     new Guest().on('apt-get install *', { exit: 100, stderr: 'no such package' }).on(/reboot/, { reboots: Duration.seconds(30) })
 */
export class Guest {
  readonly files: { readonly [path: string]: string };
  readonly system: 'unix' | 'windows';
  readonly strict: boolean;
  readonly rules: Rule[] = [];
  constructor(props: GuestProps = {}) {
    this.files = props.files ?? {};
    this.system = props.system ?? 'unix';
    this.strict = props.strict ?? false;
  }

  /** Answers a command that a step runs in the guest: each line of a script is one. */
  on(pattern: Pattern, answers: Answers): this { return this.add('guest', pattern, answers); }
  /** Answers a step as a whole, by its path (`web/shell-2`): its commands are not looked at. */
  onStep(step: Pattern, answers: Answers): this { return this.add('step', step, answers); }
  /** Answers a command that a step runs on this computer: those of shell-local; `ansible playbook.yml` and the like for tools. Nothing is really run. */
  onHost(pattern: Pattern, answers: Answers): this { return this.add('host', pattern, answers); }

  private add(where: Rule['where'], pattern: Pattern, answers: Answers): this {
    const expression = pattern instanceof RegExp ? new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
      : new RegExp(`^${pattern.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^]*')}$`);
    this.rules.push({ where, pattern: expression, answers });
    return this;
  }
}

/** The rules of a guest at work on one target: which answer comes next. */
export class RuleBook {
  readonly #times = new Map<Rule, number>();
  constructor(readonly guest: Guest) {}

  /** Undefined: no pattern matches. */
  answer(where: Rule['where'], command: string, asked: Omit<Asked, 'command' | 'match' | 'time'>): Answer | undefined {
    for (const rule of this.guest.rules) {
      const match = rule.where === where ? rule.pattern.exec(command) : null;
      if (match === null) continue;
      const time = (this.#times.get(rule) ?? 0) + 1, { answers } = rule;
      const answer = typeof answers === 'function' ? answers({ ...asked, command, match, time }) : isList(answers) ? answers[Math.min(time, answers.length) - 1] ?? {} : answers;
      if (answer === undefined) continue;
      this.#times.set(rule, time);
      return answer;
    }
    return undefined;
  }
}

const isList = (answers: Answers): answers is readonly Answer[] => Array.isArray(answers) && !isObject(answers);
