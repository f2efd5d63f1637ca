/** Colours for terminals, and none elsewhere. */

export interface Paint {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly green: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

const same = (text: string): string => text;
/** Leaves every text as it is. */
export const plain: Paint = { red: same, yellow: same, green: same, blue: same, cyan: same, bold: same, dim: same };

const code = (on: number, off: number) => (text: string): string => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`);
export const coloured: Paint = { red: code(31, 39), yellow: code(33, 39), green: code(32, 39), blue: code(34, 39), cyan: code(36, 39), bold: code(1, 22), dim: code(2, 22) };

/** Colours where the stream is a terminal; NO_COLOR and TERM=dumb turn them off, FORCE_COLOR on; `wanted` (a flag) wins over all. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env, wanted?: boolean): Paint {
  if (wanted !== undefined) return wanted ? coloured : plain;
  if (env['NO_COLOR']) return plain;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] === '0' ? plain : coloured;
  return stream.isTTY === true && env['TERM'] !== 'dumb' ? coloured : plain;
}
