import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serveHttp } from '../../../lib/runtime/network/http-server.js';
import { temporaryFolder } from '../../support/program.js';

test('the folder and the contents given are served, the contents first; nothing outside is', async () => {
  const folder = await temporaryFolder(), log = join(folder, 'log');
  mkdirSync(join(folder, 'www/sub'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'no');
  writeFileSync(join(folder, 'www/a b.txt'), 'from the folder');
  writeFileSync(join(folder, 'www/both'), 'folder');
  await using server = await serveHttp({ directory: join(folder, 'www'), content: () => ({ '/both': 'content', 'plain': 'no slash' }), host: '127.0.0.1', log });
  const at = `http://127.0.0.1:${server.port}`, get = async (path: string, init?: RequestInit): Promise<string> => { const r = await fetch(at + path, init); return `${r.status} ${await r.text()}`; };
  expect(await get('/a%20b.txt')).toBe('200 from the folder');
  expect(await get('/a%20b.txt', { headers: { Range: 'bytes=5-7' } })).toBe('206 the');
  expect(await get('/a%20b.txt', { headers: { Range: 'bytes=-6' } })).toBe('206 folder');
  expect(await get('/both?x=1')).toBe('200 content');
  expect(await get('/plain')).toBe('200 no slash');
  expect(await get('/')).toContain('<a href="a%20b.txt">a b.txt</a>\n<a href="both">both</a>\n<a href="sub/">sub/</a>');
  expect(await get('/gone')).toBe('404 ');
  expect(await get('/both', { method: 'POST' })).toBe('405 ');
  // fetch would tidy the path up.
  const raw = await new Promise<number>(resolve => request({ host: '127.0.0.1', port: server.port, path: '/../secret' }, r => { r.resume(); resolve(r.statusCode!); }).end());
  expect(raw).toBe(404);
  await server[Symbol.asyncDispose]();
  expect(readFileSync(log, 'utf8').split('\n').filter(line => line !== '').map(line => line.replace(/^\S+ \S+ /, ''))).toContain('GET /gone 404');
});

test('ports of a range are tried in order, and a range that is full says so', async () => {
  await using first = await serveHttp({ host: '127.0.0.1' });
  const taken = { min: first.port, max: first.port };
  await expect(serveHttp({ host: '127.0.0.1', ports: taken })).rejects.toMatchObject({ code: 'HTTP_SERVER_NO_PORT', message: expect.stringContaining(`ports ${first.port} to ${first.port}: `) });
});
