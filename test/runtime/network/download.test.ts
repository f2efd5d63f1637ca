import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { download, downloadFolder } from '../../../lib/runtime/network/download.js';
import { temporaryFolder } from '../../support/program.js';

const body = randomBytes(300_000), sum = `sha256:${createHash('sha256').update(body).digest('hex')}`;
let folder: string, cacheBefore: string | undefined;
beforeEach(async () => { folder = await temporaryFolder(); cacheBefore = process.env['BAKE_CACHE_DIR']; process.env['BAKE_CACHE_DIR'] = join(folder, 'cache'); });
afterEach(() => { if (cacheBefore === undefined) delete process.env['BAKE_CACHE_DIR']; else process.env['BAKE_CACHE_DIR'] = cacheBefore; });

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;
/** A server; its address, and the Range of each request that came. */
async function serve(answer: Answer): Promise<{ readonly url: string; readonly asked: (string | undefined)[] }> {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => { asked.push(request.headers.range); answer(request, response, asked.length); });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/disc.iso`, asked };
}
/** Serves all of it, or what is asked for. */
const whole: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': body.length - from, ETag: '"one"', ...(from > 0 ? { 'Content-Range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}) });
  response.end(body.subarray(from));
};
const get = (urls: string[], more: object = {}): Promise<string> => download({ urls, folder, signal: new AbortController().signal, ...more });

describe('a download', () => {
  test('is kept: the second time nothing is fetched, from wherever the same sum is to come', async () => {
    const one = await serve(whole), other = await serve(whole);
    const file = await get([one.url], { checksum: sum });
    expect(readFileSync(file).equals(body)).toBe(true);
    expect(file.startsWith(downloadFolder())).toBe(true);
    expect(await get([other.url], { checksum: sum })).toBe(file);
    expect([one.asked.length, other.asked.length]).toEqual([1, 0]);
    expect(readdirSync(downloadFolder())).toEqual([file.split('/').at(-1)]);
  });

  test('that breaks off goes on where it was, also in another process: what arrived is kept', async () => {
    const server = await serve((request, response, count) => {
      if (count > 1) return whole(request, response, count);
      response.writeHead(200, { 'Content-Length': body.length, ETag: '"one"' });
      response.write(body.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    expect(readFileSync(await get([server.url], { checksum: sum })).equals(body)).toBe(true);
    expect(server.asked[0]).toBeUndefined();
    expect(server.asked[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('that stands still is begun anew', async () => {
    const server = await serve((request, response, count) => {
      if (count > 1) return whole(request, response, count);
      response.writeHead(200, { 'Content-Length': body.length, ETag: '"one"' });
      response.write(body.subarray(0, 50_000));
    });
    expect(readFileSync(await get([server.url], { checksum: sum, stall: 300 })).equals(body)).toBe(true);
  });

  test('of a file that changed meanwhile begins from the start', async () => {
    const server = await serve((request, response, count) => {
      if (count === 1) {
        response.writeHead(200, { 'Content-Length': body.length, ETag: '"old"' });
        response.write(randomBytes(1000), () => setTimeout(() => response.destroy(), 50));
      } else {
        expect(request.headers['if-range']).toBe('"old"');
        response.writeHead(200, { 'Content-Length': body.length, ETag: '"new"' }).end(body);
      }
    });
    expect(readFileSync(await get([server.url], { checksum: sum })).equals(body)).toBe(true);
  });

  test('takes the next mirror where one fails, and says what each said where all fail', async () => {
    const gone = await serve((_request, response) => response.writeHead(404).end()), good = await serve(whole);
    expect(readFileSync(await get([gone.url, good.url], { checksum: sum })).equals(body)).toBe(true);
    await expect(get([gone.url])).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', message: `${gone.url} could not be downloaded: ${gone.url} answered 404 Not Found.` });
    expect(gone.asked.length, 'a file that is not there is not asked for again').toBe(2);
  });

  test('with another content is kept aside, and both sums are shown', async () => {
    const server = await serve(whole), wanted = `sha256:${'0'.repeat(64)}`;
    const error = await get([server.url], { checksum: wanted }).catch((e: unknown) => e as Error & { code: string });
    expect(error).toMatchObject({ code: 'DOWNLOAD_WRONG' });
    expect((error as Error).message).toContain(`expected ${wanted}\n  found    ${sum}\n  from ${server.url}\n  kept at `);
    expect(readFileSync((error as Error).message.split('kept at ')[1]!).equals(body)).toBe(true);
  });

  test('that several want at once is fetched once', async () => {
    const server = await serve((request, response, count) => setTimeout(() => whole(request, response, count), 100));
    const files = await Promise.all(Array.from({ length: 5 }, () => get([server.url], { checksum: sum })));
    expect([new Set(files).size, server.asked.length]).toEqual([1, 1]);
  });

  test('finds its sum in a list beside the file', async () => {
    const server = await serve((request, response, count) => request.url!.endsWith('SUMS') ? void response.end(`${'1'.repeat(64)}  other.iso\n${sum.slice(7)} *disc.iso\n`) : whole(request, response, count));
    expect(readFileSync(await get([server.url], { checksum: `file:${server.url.replace('disc.iso', 'SHA256SUMS')}` })).equals(body)).toBe(true);
  });

  test('is not patched together from two files: another part, or another version, than was asked for begins from the start', async () => {
    for (const wrong of [{ 'Content-Range': `bytes 0-${body.length - 1}/${body.length}` }, { 'Content-Range': `bytes 1000-${body.length - 1}/${body.length}`, ETag: '"new"' }]) {
      const server = await serve((request, response, count) => {
        if (count === 1) {
          response.writeHead(200, { 'Content-Length': body.length, ETag: '"old"' });
          response.write(randomBytes(1000), () => setTimeout(() => response.destroy(), 50));
        } else if (request.headers.range !== undefined) response.writeHead(206, wrong).end(randomBytes(1000));
        else response.writeHead(200, { 'Content-Length': body.length }).end(body);
      });
      expect(readFileSync(await get([server.url])).equals(body)).toBe(true);
      expect(server.asked).toEqual([undefined, 'bytes=1000-', undefined]);
    }
  });

  test('that had arrived whole when it was cut off is not fetched again', async () => {
    const server = await serve((request, response, count) => request.headers.range === undefined ? whole(request, response, count) : void response.writeHead(416, { 'Content-Range': `bytes */${body.length}`, ETag: '"one"' }).end());
    const file = await get([server.url]);
    renameSync(file, `${file}.part`);
    writeFileSync(`${file}.part.json`, JSON.stringify({ url: server.url, validator: '"one"' }));
    expect(readFileSync(await get([server.url])).equals(body)).toBe(true);
    expect(server.asked).toEqual([undefined, `bytes=${body.length}-`]);
  });

  test('from a server that is overworked is tried again, whatever its address looks like; logs in; follows where it is sent', async () => {
    const server = await serve((request, response, count) => {
      if (request.headers.authorization !== `Basic ${Buffer.from('me:p@ss').toString('base64')}`) return void response.writeHead(401).end();
      if (count === 1) return void response.writeHead(503).end();
      if (request.url!.includes('404')) return void response.writeHead(302, { Location: '/disc.iso' }).end();
      whole(request, response, count);
    });
    const url = server.url.replace('//', '//me:p%40ss@').replace('/disc.iso', '/404/disc.iso');
    expect(readFileSync(await get([url], { checksum: sum })).equals(body)).toBe(true);
    const error = await get([server.url.replace('//', '//me:wrong@')]).catch((e: unknown) => e as Error);
    expect((error as Error).message).toBe(`${server.url} could not be downloaded: ${server.url} answered 401 Unauthorized.`);
  });

  test('that comes slowly is waited for as long as it comes', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': 10 });
      let sent = 0;
      const drip = setInterval(() => { response.write('x'); if (++sent === 10) { clearInterval(drip); response.end(); } }, 80);
    });
    expect(readFileSync(await get([server.url], { stall: 600 }), 'utf8')).toBe('xxxxxxxxxx');
  });

  test('is kept where it is wanted, under the extension that is wanted', async () => {
    const server = await serve(whole);
    expect(await get([server.url], { target: join(folder, 'discs/one.img') })).toBe(join(folder, 'discs/one.img'));
    expect(await get([server.url], { extension: 'raw' })).toMatch(/\.raw$/);
    await expect(get([server.url], { target: folder })).rejects.toMatchObject({ code: 'DOWNLOAD_FOLDER' });
  });

  test('of a file of this computer is that file', async () => {
    writeFileSync(join(folder, 'here.iso'), body);
    expect(await get(['here.iso'], { checksum: sum })).toBe(join(folder, 'here.iso'));
    expect(await get([pathToFileURL(join(folder, 'here.iso')).href])).toBe(join(folder, 'here.iso'));
    expect(await get(['file://./here.iso'])).toBe(join(folder, 'here.iso'));
    expect(await get(['file:here.iso'])).toBe(join(folder, 'here.iso'));
    await expect(get(['gone.iso'])).rejects.toMatchObject({ code: 'DOWNLOAD_NO_FILE' });
    await expect(get(['here.iso'], { checksum: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ code: 'CHECKSUM_WRONG' });
  });

  test('ends when the run is cancelled', async () => {
    const server = await serve((_request, response) => { response.writeHead(200, { 'Content-Length': 10 }); response.write('x'); }), stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    await expect(get([server.url], { signal: stop.signal })).rejects.toMatchObject({ code: 'WAIT_CANCELLED' });
  });
});

test("Packer's cache folder is honoured where ours is not named", () => {
  expect(downloadFolder({ PACKER_CACHE_DIR: '/p' })).toBe('/p');
  expect(downloadFolder({ PACKER_CACHE_DIR: '/p', BAKE_CACHE_DIR: '/b' })).toBe('/b/downloads');
});
