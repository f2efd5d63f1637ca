/**
 * Types into a guest's keyboard, through QMP: at a pace that a slow guest can follow, each key pressed and released by itself, and none before the guest
 * has taken the last one: the keyboard holds a few keys only, and a guest on a busy computer stands still for longer than those take.
 */
import { errors } from '../../../errors.js';
import type { Action, Hold } from '../../guest/boot-command.js';
import { type Layout, specialKeys, strokesFor } from '../../guest/keyboard.js';
import { sleep } from '../../retry.js';
import type { Qmp } from './qmp.js';

const fail = errors('TYPING', {
  NO_KEY: {
    message: (character: string, layout: string) => `The keyboard (${layout}) has no key for '${character}' (U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}).`,
    remedy: 'Type something else, or set boot.keyboardLayout to the layout that the guest has at that moment.',
  },
});

export interface Pace {
  /** Milliseconds that a key is held, and that the next one waits after it. */
  readonly key: number;
  readonly layout: Layout;
  /** The keyboard is a PC's own, whose controller says whether a key waits to be taken. */
  readonly isPc: boolean;
}

/** Milliseconds that a guest may leave a key lying. One that takes longer reads no keyboard, and is typed at all the same. */
const patience = 3000;

export class Typist {
  #held = new Set<string>();
  #listens = true;
  /** How many actions come after the one that is carried out. */
  left = 0;
  constructor(readonly qmp: Qmp, readonly pace: Pace, readonly signal: AbortSignal) {}

  /** Carries out the actions, one after the other. */
  async type(actions: readonly Action[]): Promise<void> {
    for (const [i, action] of actions.entries()) {
      this.left = actions.length - 1 - i;
      switch (action.do) {
        case 'wait': await sleep(action.milliseconds, this.signal); break;
        case 'key': await this.#stroke([specialKeys[action.key]!], action.hold); break;
        case 'character': {
          const strokes = strokesFor(action.character, this.pace.layout);
          if (strokes === undefined) throw fail.NO_KEY(action.character, this.pace.layout);
          for (const stroke of strokes) await this.#stroke(stroke, action.hold);
        }
      }
    }
  }

  /** Lets go of what a boot command held and never released. */
  async release(): Promise<void> {
    for (const key of [...this.#held].reverse()) await this.#send([key], false);
    this.#held.clear();
  }

  async #stroke(keys: readonly string[], hold: Hold): Promise<void> {
    // What is held already is neither pressed nor released again: releasing a modifier that is not down costs the next character.
    const own = keys.filter(key => !this.#held.has(key));
    await this.#taken();
    if (hold !== 'off') {
      await this.#send(own, true);
      await sleep(this.pace.key, this.signal);
    }
    if (hold === 'on') { for (const key of own) this.#held.add(key); return; }
    await this.#send(hold === 'off' ? [...keys].reverse() : [...own].reverse(), false);
    for (const key of keys) if (hold === 'off') this.#held.delete(key);
    await sleep(this.pace.key, this.signal);
  }

  /** Bit 0 of the controller's status: something is there that the guest has not read. To look at it changes nothing. */
  async #taken(): Promise<void> {
    for (const began = performance.now(); this.pace.isPc && this.#listens;) {
      const status = /= 0x([0-9a-f]+)/.exec(await this.qmp.monitor('i /b 0x64'))?.[1];
      if (status === undefined || (Number.parseInt(status, 16) & 1) === 0) return;
      this.#listens = performance.now() - began < patience;
      await sleep(3, this.signal);
    }
  }

  async #send(keys: readonly string[], down: boolean): Promise<void> {
    if (keys.length === 0) return;
    await this.qmp.execute('input-send-event', { events: keys.map(data => ({ type: 'key', data: { down, key: { type: 'qcode', data } } })) });
  }
}
