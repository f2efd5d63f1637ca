/** Keyboards: which key, with which modifiers, types a character. A key is a position, by the name that QEMU has for it (a qcode: the US key there). */

export type Layout = 'us' | 'uk' | 'de' | 'fr';
/** Keys to be held together, the character's own last. */
export type Stroke = readonly string[];

const names: { readonly [sign: string]: string } = {
  '`': 'grave_accent', '-': 'minus', '=': 'equal', '[': 'bracket_left', ']': 'bracket_right', '\\': 'backslash', ';': 'semicolon', "'": 'apostrophe', ',': 'comma', '.': 'dot', '/': 'slash', ' ': 'spc', '<': 'less',
};
const qcode = (usKey: string): string => names[usKey] ?? usKey;

/** For each row of the keyboard, the US keys there and what they type: plain, with shift, with AltGr. `·` types nothing that we use. `<` is the key between left shift and Z that US keyboards lack. */
interface Rows { readonly plain: readonly string[]; readonly shift: readonly string[]; readonly altGr?: readonly string[]; /** Keys that wait for the next one: typed with a space after them. */ readonly dead?: string }
const positions = ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", '\\zxcvbnm,./', '<'];

const layouts: { readonly [L in Layout]: Rows } = {
  us: {
    plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", '\\zxcvbnm,./', '·'],
    shift: ['~!@#$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:"', '|ZXCVBNM<>?', '·'],
  },
  uk: {
    plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", '#zxcvbnm,./', '\\'],
    shift: ['¬!"£$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:@', '~ZXCVBNM<>?', '|'],
    altGr: ['·····€·······', '············', '···········', '···········', '·'],
  },
  de: {
    plain: ['^1234567890ß´', 'qwertzuiopü+', 'asdfghjklöä', '#yxcvbnm,.-', '<'],
    shift: ['°!"§$%&/()=?`', 'QWERTZUIOPÜ*', 'ASDFGHJKLÖÄ', "'YXCVBNM;:_", '>'],
    altGr: ['··²³···{[]}\\·', '@·€········~', '···········', '·······µ···', '|'],
    dead: '^´`',
  },
  fr: {
    plain: ['²&é"\'(-è_çà)=', 'azertyuiop^$', 'qsdfghjklmù', '*wxcvbn,;:!', '<'],
    shift: ['·1234567890°+', 'AZERTYUIOP¨£', 'QSDFGHJKLM%', 'µWXCVBN?./§', '>'],
    altGr: ['··~#{[|`\\^@]}', '··€·········', '···········', '···········', '·'],
    dead: '¨',
  },
};

const tables = new Map<Layout, ReadonlyMap<string, readonly Stroke[]>>();
/** What to press, one stroke after the other, to type a character; undefined: this keyboard has no key for it. */
export function strokesFor(character: string, layout: Layout): readonly Stroke[] | undefined {
  let table = tables.get(layout);
  if (table === undefined) tables.set(layout, table = makeTable(layouts[layout]));
  return table.get(character);
}

function makeTable(rows: Rows): ReadonlyMap<string, readonly Stroke[]> {
  const table = new Map<string, readonly Stroke[]>([[' ', [['spc']]]]);
  const add = (signs: readonly string[] | undefined, held: readonly string[]): void => signs?.forEach((row, r) => [...row].forEach((sign, i) => {
    // The simplest way to a character wins: plain, then with shift, then with AltGr.
    if (sign === '·' || table.has(sign)) return;
    const stroke = [...held, qcode([...positions[r]!][i]!)];
    // On a French keyboard, ^ has a dead key and, with AltGr, one that is not.
    if (sign === '^' && rows.altGr?.[0]?.includes('^') && held.length === 0) return;
    table.set(sign, rows.dead?.includes(sign) && held[0] !== 'alt_r' ? [stroke, ['spc']] : [stroke]);
  }));
  add(rows.plain, []);
  add(rows.shift, ['shift']);
  add(rows.altGr, ['alt_r']);
  return table;
}

/** Keys without a character, by Packer's names in small letters. */
export const specialKeys: { readonly [name: string]: string } = {
  bs: 'backspace', del: 'delete', enter: 'ret', esc: 'esc', home: 'home', end: 'end', pageup: 'pgup', pagedown: 'pgdn', insert: 'insert', left: 'left', right: 'right', up: 'up', down: 'down',
  spacebar: 'spc', tab: 'tab', menu: 'menu', leftalt: 'alt', rightalt: 'alt_r', leftctrl: 'ctrl', rightctrl: 'ctrl_r', leftshift: 'shift', rightshift: 'shift_r', leftsuper: 'meta_l', rightsuper: 'meta_r',
  ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i + 1}`, `f${i + 1}`])),
};
