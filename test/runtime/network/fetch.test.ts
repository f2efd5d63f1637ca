import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { readChecksum } from '../../../lib/runtime/network/checksum.js';
import { download } from '../../../lib/runtime/network/download.js';
import { fetchHere, shownAddress } from '../../../lib/runtime/network/fetch.js';
import { temporaryFolder } from '../../support/program.js';
import { httpProxy } from '../../support/proxies.js';

const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'NETRC', 'BAKE_CACHE_DIR'], before = new Map<string, string | undefined>();
beforeEach(() => { for (const name of names) { before.set(name, process.env[name]); delete process.env[name]; } process.env['NETRC'] = '/nowhere'; });
afterEach(() => { for (const [name, value] of before) if (value === undefined) delete process.env[name]; else process.env[name] = value; });

/** A server that answers with who was logged in; its host and port. */
async function server(): Promise<string> {
  const it = createServer((request, response) => { response.end(`hello ${Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString()}`); });
  await new Promise<void>(resolve => it.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => { it.closeAllConnections(); it.close(); });
  return `127.0.0.1:${(it.address() as AddressInfo).port}`;
}
const text = async (url: string): Promise<string> => (await fetchHere(url)).text();

test('goes through the proxy that the environment names, with its password, but for what NO_PROXY names', async () => {
  const host = await server();
  await using proxy = await httpProxy('me:p w');
  process.env['HTTP_PROXY'] = `http://me:p%20w@${proxy.host}:${proxy.port}`;
  expect(await text(`http://${host}/x`)).toBe('hello ');
  expect(proxy.asked).toEqual([host]);
  process.env['no_proxy'] = 'localhost,127.0.0.1';
  expect(await text(`http://${host}/x`)).toBe('hello ');
  expect(proxy.asked).toEqual([host]);
});

test('downloads and lists of checksums go through it too', async () => {
  const folder = await temporaryFolder(), host = await server();
  process.env['BAKE_CACHE_DIR'] = join(folder, 'cache');
  await using proxy = await httpProxy();
  process.env['http_proxy'] = `${proxy.host}:${proxy.port}`;
  expect(readFileSync(await download({ urls: [`http://${host}/disc.iso`], folder, signal: new AbortController().signal }), 'utf8')).toBe('hello ');
  await expect(readChecksum(`file:http://a:secret@${host}/SUMS`, 'disc.iso', { folder })).rejects.toThrow(`The list of checksums http://${host}/SUMS has no line for disc.iso.`);
  expect(proxy.asked).toEqual([host, host]);
});

test('a proxy that is none is named by its variable alone: a password may stand in it', async () => {
  process.env['HTTPS_PROXY'] = 'ftp://me:secret@proxy.example.com';
  await expect(text('https://example.com/')).rejects.toThrow(/^The environment's HTTPS_PROXY is no address of a proxy\.$/);
});

test('one logs in with what stands in the address, else with what ~/.netrc has for the host', async () => {
  const host = await server(), file = join(await temporaryFolder(), 'netrc');
  writeFileSync(file, '# mine\nmachine other.example.com login x password y\nmachine 127.0.0.1\n  login me\n  password from-netrc\ndefault login anonymous password z\n');
  process.env['NETRC'] = file;
  expect(await text(`http://${host}/`)).toBe('hello me:from-netrc');
  expect(await text(`http://you:p%40ss@${host}/`)).toBe('hello you:p@ss');
  expect(await (await fetchHere(`http://${host}/`, { headers: { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` } })).text()).toBe('hello a:b');
  expect(shownAddress(`http://you:p%40ss@${host}/x`)).toBe(`http://${host}/x`);
});
