/** What can be seen of a guest from outside: its serial console and its screen. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Qmp } from './qmp.js';

/** The last lines of the serial console, without control characters; none where the guest has said nothing. */
export async function serialTail(file: string, lines = 12): Promise<readonly string[]> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return [];
  try {
    const { size } = await handle.stat(), length = Math.min(size, 32_768);
    const bytes = Buffer.alloc(length);
    await handle.read(bytes, 0, length, size - length);
    // A terminal shows only what follows the last carriage return of a line.
    const all = stripVTControlCharacters(bytes.toString('utf8')).split(/\r*\n/).map(line => clean(line.split('\r').at(-1)!)).filter(line => line !== '');
    // A panic says why in its first line, and then prints more than fits: the first line is the one to see.
    const panic = all.findLastIndex(line => /Kernel panic - /.test(line) && !/end Kernel panic/.test(line));
    return panic >= 0 && panic < all.length - lines ? [all[panic]!, '…', ...all.slice(2 - lines)] : all.slice(-lines);
  } finally { await handle.close(); }
}
// eslint-disable-next-line no-control-regex
const clean = (line: string): string => line.replace(/[\u0000-\u0008\u000b-\u001f\u007f\ufffd]/g, '').trimEnd();

/** What the HTTP server's log tells of a guest that does not come along; nothing where there was no server, or all that was asked for was there. */
export async function missedRequests(log: string): Promise<string | undefined> {
  const text = await readFile(log, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  if (text === '') return 'The guest has asked for none of the files that are served for it (http).';
  const missed = [...new Set([...text.matchAll(/^\S+ \S+ (\S+ .* [45]\d\d)$/gm)].map(m => m[1]!))];
  return missed.length === 0 ? undefined : `The guest asked for what was not there: ${missed.slice(0, 3).join(', ')}${missed.length > 3 ? ` and ${missed.length - 3} more` : ''}`;
}

/** Writes the screen to a PNG file (an absolute path) and returns the path. */
export async function screenshot(qmp: Qmp, file: string): Promise<string> {
  await qmp.execute('screendump', { filename: file, format: 'png' });
  return file;
}

/** Takes a picture now and then as long as a guest is built: ten files in a ring, `screen-0.png` to `screen-9.png`. Returns what ends it. */
export function watchScreen(qmp: () => Qmp, folder: string, every = 10_000): () => void {
  let n = 0;
  const look = (): void => { if (qmp().isOpen) screenshot(qmp(), join(folder, `screen-${n++ % 10}.png`)).catch(() => {}); };
  const timer = setInterval(look, every);
  timer.unref();
  return () => clearInterval(timer);
}

/** The newest picture of a machine's screen in a run's folder. */
export async function lastPicture(folder: string): Promise<string | undefined> {
  const files = (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.png')).map(name => join(folder, name));
  const times = await Promise.all(files.map(async file => ({ file, time: await stat(file).then(s => s.mtimeMs, () => 0) })));
  return times.sort((a, b) => b.time - a.time)[0]?.file;
}
