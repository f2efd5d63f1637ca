/** Looks at the guest's screen: until it stands still, has changed, looks like a picture, or shows a text. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootStep } from '../../../constructs/shared/boot.js';
import { errors } from '../../../errors.js';
import { decodePng, type Pixels } from '../../formats/png.js';
import { sleep } from '../../retry.js';
import type { Qmp } from './qmp.js';

const fail = errors('SCREEN', {
  TIMEOUT: {
    message: (what: string, seconds: number, last: string) => `The guest's screen ${what} within ${seconds} s.${last === '' ? '' : ` It shows:\n${last}`}`,
    remedy: 'Look at the screenshot. A slow guest may need a longer timeout (waitForScreen(…, { timeout })).',
  },
});

export type ScreenWait = Exclude<BootStep, string>;
/** A blinking cursor and a running clock are no change. */
const noise = 300;
const poll = 250;

export class Screen {
  /** What the screen looked like before the last thing that was typed. */
  before: Pixels | undefined;
  constructor(readonly qmp: Qmp, readonly folder: string, readonly programFolder: string) {}

  /** Remembers how it looks now. */
  async remember(): Promise<void> { this.before = await this.look(); }

  async look(): Promise<Pixels> {
    const file = join(this.folder, 'screen.ppm');
    await this.qmp.execute('screendump', { filename: file });
    try { return readPpm(await readFile(file)); } finally { await rm(file, { force: true }); }
  }

  /** The characters of a screen in text mode, line by line; meaningless on a graphical one. */
  async text(): Promise<string> {
    const file = join(this.folder, 'screen.txt');
    await this.qmp.execute('pmemsave', { val: 0xb8000, size: 4000, filename: file });
    try {
      const bytes = await readFile(file);
      return Array.from({ length: 25 }, (_, row) => Array.from({ length: 80 }, (_c, column) => { const code = bytes[(row * 80 + column) * 2]!; return code >= 32 && code < 127 ? String.fromCharCode(code) : ' '; }).join('').trimEnd()).join('\n').trimEnd();
    } finally { await rm(file, { force: true }); }
  }

  /** Resolves when the screen is as wanted. Throws SCREEN_TIMEOUT. */
  async wait(wanted: ScreenWait, signal: AbortSignal): Promise<void> {
    const began = performance.now(), budget = wanted.timeout ?? 300_000, picture = wanted.picture === undefined ? undefined : decodePng(await readFile(join(wanted.picture.startsWith('/') ? '' : this.programFolder, wanted.picture)));
    let last = await this.look(), since = performance.now();
    const first = this.before ?? last;
    while (performance.now() - began < budget) {
      if (wanted.screen === 'text') {
        if ((await this.text()).includes(wanted.text ?? '')) return;
      } else {
        const now = await this.look();
        if (wanted.screen === 'changed' && differing(first, now) > noise) return;
        if (wanted.screen === 'match' && picture !== undefined && matches(picture, now)) return;
        if (differing(last, now) > noise) { last = now; since = performance.now(); }
        if (wanted.screen === 'still' && performance.now() - since >= (wanted.still ?? 2000)) return;
      }
      await sleep(poll, signal);
    }
    const what = { still: 'did not stand still', changed: 'did not change', match: 'did not look like the picture', text: `did not show ${JSON.stringify(wanted.text)}` }[wanted.screen];
    throw fail.TIMEOUT(what, Math.round(budget / 1000), wanted.screen === 'text' ? await this.text() : '');
  }
}

/** How many pixels differ; all of them where the sizes do. */
export function differing(a: Pixels, b: Pixels): number {
  if (a.width !== b.width || a.height !== b.height) return Infinity;
  let count = 0;
  for (let i = 0; i < a.rgba.length; i += 4) if (a.rgba[i] !== b.rgba[i] || a.rgba[i + 1] !== b.rgba[i + 1] || a.rgba[i + 2] !== b.rgba[i + 2]) count++;
  return count;
}

/** Whether the screen looks like the picture; its transparent parts count as anything. */
export function matches(picture: Pixels, screen: Pixels): boolean {
  if (picture.width !== screen.width || picture.height !== screen.height) return false;
  let wanted = 0, wrong = 0;
  for (let i = 0; i < picture.rgba.length; i += 4) {
    if (picture.rgba[i + 3]! < 128) continue;
    wanted++;
    if ([0, 1, 2].some(c => Math.abs(picture.rgba[i + c]! - screen.rgba[i + c]!) > 16)) wrong++;
  }
  return wanted > 0 && wrong <= Math.max(noise, wanted / 100);
}

export function readPpm(bytes: Buffer): Pixels {
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.toString('latin1', 0, 40));
  if (head === null) return { width: 0, height: 0, rgba: Buffer.alloc(0) };
  const width = Number(head[1]), height = Number(head[2]), rgba = Buffer.alloc(width * height * 4, 255), data = bytes.subarray(head[0].length);
  for (let i = 0; i < width * height; i++) { rgba[i * 4] = data[i * 3]!; rgba[i * 4 + 1] = data[i * 3 + 1]!; rgba[i * 4 + 2] = data[i * 3 + 2]!; }
  return { width, height, rgba };
}
