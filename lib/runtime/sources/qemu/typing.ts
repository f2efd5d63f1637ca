/** Types into a guest's keyboard, through QMP: at a pace that a slow guest can follow, each key pressed and released by itself. */
import { errors } from '../../../errors.js';
import type { Action, Hold } from '../../boot-command.js';
import { type Layout, specialKeys, strokesFor } from '../../keyboard.js';
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
}

export class Typist {
  #held = new Set<string>();
  constructor(readonly qmp: Qmp, readonly pace: Pace, readonly signal: AbortSignal) {}

  /** Carries out the actions, one after the other. */
  async type(actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
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
    if (hold !== 'off') {
      await this.#send(own, true);
      await sleep(this.pace.key, this.signal);
    }
    if (hold === 'on') { for (const key of own) this.#held.add(key); return; }
    await this.#send(hold === 'off' ? [...keys].reverse() : [...own].reverse(), false);
    for (const key of keys) if (hold === 'off') this.#held.delete(key);
    await sleep(this.pace.key, this.signal);
  }

  async #send(keys: readonly string[], down: boolean): Promise<void> {
    if (keys.length === 0) return;
    await this.qmp.execute('input-send-event', { events: keys.map(data => ({ type: 'key', data: { down, key: { type: 'qcode', data } } })) });
  }
}
