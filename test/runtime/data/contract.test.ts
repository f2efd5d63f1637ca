import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandData, EnvironmentData, FileData, GitData, HttpData } from '../../../lib/index.js';
import { dataContract } from '../../contracts/data-driver.js';
import { heldTo, kindsOf } from '../../support/kinds.js';

let server: Server, url: string;
beforeAll(async () => {
  server = createServer((request, response) => { response.writeHead(request.url === '/there' ? 200 : 404).end('{"a":1}'); });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => { await new Promise(resolve => { server.close(resolve); server.closeAllConnections(); }); });

const git = (folder: string, ...args: string[]): unknown => execFileSync('git', ['-C', folder, '-c', 'user.email=x@example.com', '-c', 'user.name=x', ...args], { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: folder } });

test('every data source is held to the contract, here or where its servers are', () => { expect(heldTo('dataContract')).toEqual(kindsOf('data')); });
describe('http keeps the contract of data sources:', () => dataContract('http', {
  readable: app => new HttpData(app, 'it', { url: `${url}/there` }),
  missing: app => new HttpData(app, 'it', { url: `${url}/missing` }),
}));
describe('file keeps the contract of data sources:', () => dataContract('file', {
  readable: (app, folder) => { writeFileSync(join(folder, 'file'), '{"a":1}'); return new FileData(app, 'it', { path: 'file' }); }, instant: true,
}));
describe('environment keeps the contract of data sources:', () => dataContract('environment', {
  readable: app => new EnvironmentData(app, 'it', { name: 'PATH' }), missing: app => new EnvironmentData(app, 'it', { name: 'BAKE_TEST_NOT_SET' }), instant: true,
}));
describe('command keeps the contract of data sources:', () => dataContract('command', {
  readable: app => new CommandData(app, 'it', { command: ['echo', '{"a":1}'] }),
  missing: app => new CommandData(app, 'it', { command: ['false'] }),
}));
describe('git keeps the contract of data sources:', () => dataContract('git', {
  readable: (app, folder) => { git(folder, 'init', '-q'); git(folder, 'commit', '-q', '--allow-empty', '-m', 'x'); return new GitData(app, 'it', {}); },
  missing: app => new GitData(app, 'it', { repository: '/proc' }),
}));
