/** Packer's boot commands: text with keys in angle brackets, read into what is to be done. */
import { errors } from '../../errors.js';
import { suggest } from '../../suggest.js';

const fail = errors('BOOT_COMMAND', {
  UNKNOWN: {
    message: (what: string, meant: string) => `The boot command has '<${what}>', which is no key. Did you mean <${meant}>?`,
    remedy: 'Keys are <enter> <esc> <tab> <bs> <del> <spacebar> <up> <down> <left> <right> <home> <end> <pageUp> <pageDown> <insert> <menu> <f1> … <f12>, <leftShift> and the like; <aOn> and <aOff> hold and release a; <wait>, <wait5>, <wait1m30s> wait. To type it as it stands, begin it with <lt>.',
  },
});

export type Hold = 'press' | 'on' | 'off';
export type Action =
  /** One character, typed by the keyboard layout. */
  | { readonly do: 'character'; readonly character: string; readonly hold: Hold }
  /** A key without a character, by the name that Packer has for it, in small letters. */
  | { readonly do: 'key'; readonly key: string; readonly hold: Hold }
  | { readonly do: 'wait'; readonly milliseconds: number };

const keys = new Set(['bs', 'del', 'enter', 'return', 'esc', 'home', 'end', 'pageup', 'pagedown', 'insert', 'left', 'right', 'up', 'down', 'spacebar', 'tab', 'menu', 'lt',
  'leftalt', 'rightalt', 'leftctrl', 'rightctrl', 'leftshift', 'rightshift', 'leftsuper', 'rightsuper', ...Array.from({ length: 12 }, (_, i) => `f${i + 1}`)]);

/** Reads one boot command. Throws BOOT_COMMAND_UNKNOWN for what looks like a key and is none; other text between brackets is typed as it is. */
export function parseBootCommand(text: string): readonly Action[] {
  const actions: Action[] = [];
  for (let at = 0; at < text.length;) {
    const end = text[at] === '<' ? text.indexOf('>', at + 1) : -1;
    // A name is letters and digits, a duration may have a point, and any one character may be held.
    const name = end > at + 1 ? text.slice(at + 1, end) : '';
    const found = name === '' ? undefined : bracketed(name);
    if (found !== undefined) { actions.push(found); at = end + 1; continue; }
    const meant = /^[A-Za-z][A-Za-z0-9]+$/.test(name) ? suggest(name.toLowerCase(), [...keys, 'wait']) : undefined;
    if (meant !== undefined) throw fail.UNKNOWN(name, meant);
    const character = String.fromCodePoint(text.codePointAt(at)!);
    actions.push(character === '\n' ? { do: 'key', key: 'enter', hold: 'press' } : character === '\t' ? { do: 'key', key: 'tab', hold: 'press' } : { do: 'character', character, hold: 'press' });
    at += character.length;
  }
  return actions;
}

function bracketed(name: string): Action | undefined {
  const small = name.toLowerCase(), wait = /^wait(.*)$/.exec(small);
  if (wait !== null) {
    const milliseconds = duration(wait[1]!);
    return milliseconds === undefined ? undefined : { do: 'wait', milliseconds };
  }
  const held = /^(.+?)(on|off)$/.exec(small), hold = held?.[2] as Hold | undefined;
  for (const [key, how] of [[small, 'press'], ...(held === null ? [] : [[held[1]!, hold!]])] as [string, Hold][]) {
    if (key === 'lt') return { do: 'character', character: '<', hold: how };
    if (keys.has(key)) return { do: 'key', key: key === 'return' ? 'enter' : key, hold: how };
    if (how !== 'press' && [...key].length === 1) return { do: 'character', character: [...name][0]!, hold: how };
  }
  return undefined;
}

/** Go's notation, or a bare number of seconds; nothing: one second. */
function duration(text: string): number | undefined {
  if (text === '') return 1000;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000001 } as const;
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)/g)];
  if (parts.length === 0 || parts.map(p => p[0]).join('') !== text) return undefined;
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * units[unit as keyof typeof units], 0);
}
