/** Files from the network: kept in the user's cache, gone on with after an interruption, fetched once for all processes that want them. */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../cache-folder.js';
import { errors, isBakeError, messageOf } from '../../errors.js';
import { makeFolder } from '../../make-folder.js';
import { checkFile, type Checksum, readChecksum } from './checksum.js';
import { withLock } from '../host/lock.js';
import { fetchHere, shownAddress as shown } from './fetch.js';
import { fetchReason } from './fetch-reason.js';
import { cancellation, retry } from '../retry.js';

const fail = errors('DOWNLOAD', {
  FAILED: {
    message: (urls: readonly string[], why: string) => `${urls.length === 1 ? `${urls[0]} could not be downloaded` : `None of these could be downloaded: ${urls.join(', ')}`}${urls.length === 1 ? ':' : '; the last:'} ${why}.`,
    remedy: 'Check the address and the network. What has arrived is kept; the next try goes on from there.',
  },
  ANSWER: { message: (url: string, status: string) => `${url} answered ${status}`, retryable: true },
  REFUSED: { message: (url: string, status: string) => `${url} answered ${status}` },
  STALLED: { message: (url: string, seconds: number) => `nothing came from ${url} for ${seconds} s`, retryable: true },
  SHORT: { message: (url: string, got: number, expected: number) => `${url} ended after ${got} of ${expected} bytes`, retryable: true },
  WRONG: {
    message: (url: string, why: string, aside: string) => `${why}\n  from ${url}\n  kept at ${aside}`,
    remedy: 'If the file was meant to change, write the new checksum; else look at what was delivered instead: the file is kept aside.',
  },
  FOLDER: { message: (path: string) => `${path} is a folder, and the download is to be kept there as a file.`, remedy: 'Give isoTargetPath the name of a file.' },
  NO_FILE: { message: (path: string) => `The file ${path} does not exist.`, remedy: 'Check the path; relative ones are relative to the program\'s folder.' },
});

export interface DownloadOptions {
  /** Tried in order. `http:`, `https:`, `file:`, or a path relative to `folder`. */
  readonly urls: readonly string[];
  /** As written in the program: see readChecksum. */
  readonly checksum?: string | undefined;
  readonly folder: string;
  /** Where to keep it, instead of the cache. */
  readonly target?: string | undefined;
  /** @default the URL's own */
  readonly extension?: string | undefined;
  /** A copy in the cache is not looked for. @default false */
  readonly skipCache?: boolean;
  /** Milliseconds without a byte after which a connection counts as dead. @default 30000 */
  readonly stall?: number;
  readonly signal: AbortSignal;
  readonly progress?: (done: number, total: number | undefined) => void;
  readonly note?: (message: string) => void;
}

/** BAKE_CACHE_DIR wins, then Packer's PACKER_CACHE_DIR. */
export function downloadFolder(env: NodeJS.ProcessEnv = process.env): string {
  const packer = env['PACKER_CACHE_DIR'];
  return env['BAKE_CACHE_DIR'] === undefined && packer !== undefined && packer !== '' ? resolve(packer) : join(cacheFolder(env), 'downloads');
}

/** Whether an address is a file of this computer; its path. */
export function localPath(url: string, folder: string): string | undefined {
  if (/^file:\/\//i.test(url)) {
    // `file://discs/one.iso` names no computer: it is how people write a relative path.
    try { return fileURLToPath(url); } catch { return resolve(folder, url.slice(7)); }
  }
  if (/^file:/i.test(url)) return resolve(folder, url.slice(5));
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(url) ? undefined : resolve(folder, url);
}

/** The file, fetched now where it is not here yet: its path. A file of this computer is used where it lies. */
export async function download(options: DownloadOptions): Promise<string> {
  const { urls, folder, signal } = options;
  let last: unknown;
  for (const url of urls) {
    try {
      const local = localPath(url, folder), expected = await readChecksum(options.checksum, basename(local ?? new URL(url).pathname), { folder, signal });
      if (local === undefined) return await fetched(url, expected, options);
      if (!await isThere(local)) throw fail.NO_FILE(local);
      if (expected !== undefined) await checkFile(local, expected, { signal, progress: bytes => options.progress?.(bytes, undefined) });
      return local;
    } catch (error) {
      if (signal.aborted) throw cancellation(signal);
      // A wrong file is no matter of reaching it: it must not be hidden behind a mirror that works.
      if (isBakeError(error) && (error.code === 'DOWNLOAD_WRONG' || error.code === 'CHECKSUM_WRONG')) throw error;
      if (urls.length > 1) options.note?.(`${shown(url)} does not serve: ${messageOf(error)}`);
      last = error;
    }
  }
  if (urls.length === 1 && isBakeError(last)) throw /^DOWNLOAD_(ANSWER|REFUSED|STALLED|SHORT)$/.test(last.code) ? fail.FAILED(urls.map(shown), messageOf(last), { cause: last }) : last;
  throw fail.FAILED(urls.map(shown), messageOf(last), { cause: last });
}

/** Where the cache keeps what comes from a URL, whether it is there or not. */
export function cachedAt(url: string, expected: Checksum | undefined, extension?: string): string {
  // A file that is known by its sum is the same from wherever it comes.
  const name = createHash('sha256').update(expected === undefined ? url : `${expected.algorithm}:${expected.hex}`).digest('hex').slice(0, 24);
  return join(downloadFolder(), `${name}${extension === undefined ? extname(new URL(url).pathname) || '.iso' : `.${extension.replace(/^\./, '')}`}`);
}

async function fetched(url: string, expected: Checksum | undefined, options: DownloadOptions): Promise<string> {
  const { signal } = options, target = options.target ?? cachedAt(url, expected, options.extension);
  await makeFolder(join(target, '..'));
  if (await stat(target).then(s => s.isDirectory(), () => false)) throw fail.FOLDER(target);
  return withLock(`${target}.lock`, async () => {
    if (options.skipCache !== true && await isThere(target)) {
      if (expected === undefined || await checkFile(target, expected, { signal }).then(() => true, () => false)) return target;
      options.note?.(`${target} is not what the checksum says, and is downloaded anew`);
    }
    const part = `${target}.part`;
    await fetchWhole(url, part, options);
    if (expected !== undefined) {
      try { await checkFile(part, expected, { signal, progress: bytes => options.progress?.(bytes, undefined) }); }
      catch (error) {
        if (!isBakeError(error) || error.code !== 'CHECKSUM_WRONG') throw error;
        const aside = `${target}.wrong`;
        await rename(part, aside);
        await rm(`${part}.json`, { force: true });
        throw fail.WRONG(shown(url), messageOf(error).replace(part, basename(new URL(url).pathname)), aside, { cause: error });
      }
    }
    await rename(part, target);
    await rm(`${part}.json`, { force: true });
    return target;
  }, { signal, budget: 24 * 60 * 60_000 });
}

/** Fetches into `part`, going on from what is there as long as the server says it is still the same file. */
async function fetchWhole(url: string, part: string, options: DownloadOptions): Promise<void> {
  const notes = `${part}.json`;
  await retry(async () => {
    const kept = await readFile(notes, 'utf8').then(text => JSON.parse(text) as { url: string; validator?: string }, () => undefined);
    const had = kept?.url === shown(url) && kept.validator !== undefined ? await stat(part).then(s => s.size, () => 0) : 0;
    await fetchRest(url, part, notes, had, kept?.validator, options);
  }, {
    what: shown(url), attempts: 6, pause: 1000, maxPause: 15_000, signal: options.signal, retryIf: error => !isBakeError(error) || error.retryable === true,
    onRetry: error => options.note?.(`${messageOf(error)}; going on`),
  });
}

async function fetchRest(url: string, part: string, notes: string, had: number, validator: string | undefined, options: DownloadOptions): Promise<void> {
  const { signal, stall = 30_000 } = options, own = new AbortController(), address = shown(url);
  let timer = setTimeout(() => own.abort(fail.STALLED(address, stall / 1000)), stall);
  const alive = (): void => { clearTimeout(timer); timer = setTimeout(() => own.abort(fail.STALLED(address, stall / 1000)), stall); };
  const either = AbortSignal.any([signal, own.signal]);
  try {
    const answer = await fetchHere(url, {
      signal: either, redirect: 'follow',
      // Never packed: the sum is of the file itself.
      headers: { 'Accept-Encoding': 'identity', ...(had > 0 ? { Range: `bytes=${had}-`, 'If-Range': validator! } : {}) },
    });
    const next = validatorOf(answer.headers), range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '');
    if (answer.status === 416 && had > 0) {
      await answer.body?.cancel();
      // All of it had arrived when it was cut off.
      if (range?.[2] === String(had) && (next === undefined || next === validator)) return;
    }
    const goesOn = answer.status === 206 && Number(range?.[1]) === had && (next === undefined || next === validator);
    if (answer.status === 416 || (answer.status === 206 && !goesOn)) {
      // Another file, or another part of it, than was asked for.
      await answer.body?.cancel();
      await rm(part, { force: true });
      throw fail.SHORT(address, 0, had);
    }
    const status = `${answer.status} ${answer.statusText}`.trim();
    if (!answer.ok || answer.body === null) throw answer.status >= 400 && answer.status < 500 && ![408, 425, 429].includes(answer.status) ? fail.REFUSED(address, status) : fail.ANSWER(address, status);
    const length = Number(answer.headers.get('content-length') ?? NaN);
    let done = goesOn ? had : 0;
    const total = Number.isFinite(length) ? done + length : undefined;
    await writeFile(notes, JSON.stringify({ url: address, ...(next === undefined ? {} : { validator: next }) }), { mode: 0o600 });
    const file = await open(part, goesOn ? 'a' : 'w');
    try {
      for await (const chunk of answer.body) {
        alive();
        await file.write(chunk as Uint8Array);
        done += (chunk as Uint8Array).length;
        options.progress?.(done, total);
      }
      await file.sync();
    } finally { await file.close(); }
    if (total !== undefined && done < total) throw fail.SHORT(address, done, total);
  } catch (error) {
    if (signal.aborted) throw cancellation(signal);
    if (own.signal.aborted) throw own.signal.reason;
    throw isBakeError(error) ? error : new Error(fetchReason(error), { cause: error });
  } finally { clearTimeout(timer); }
}

/** What tells one version of a file from another. A weak one does not promise equal bytes. */
function validatorOf(headers: Headers): string | undefined {
  const etag = headers.get('etag');
  return etag !== null && !etag.startsWith('W/') ? etag : headers.get('last-modified') ?? undefined;
}

const isThere = (path: string): Promise<boolean> => stat(path).then(s => s.isFile(), () => false);
