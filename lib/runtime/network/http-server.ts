/** The HTTP server that a guest fetches its answers from: a folder, contents given in the program, and a log of who asked for what. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { join, normalize, sep } from 'node:path';
import { errors } from '../../errors.js';

const fail = errors('HTTP_SERVER', {
  NO_PORT: { message: (host: string, ports: string, why: string) => `The HTTP server for the guest cannot listen on ${host}, ${ports}: ${why}.`, remedy: 'Give it other ports (http.portMin, http.portMax) or another address (http.bindAddress), or leave them out.' },
});

export interface HttpServerOptions {
  readonly directory?: string | undefined;
  /** Path -> contents; read anew for each request. */
  readonly content?: (() => { readonly [path: string]: string }) | undefined;
  readonly host: string;
  /** Tried in order; the kernel chooses where left out. */
  readonly ports?: { readonly min: number; readonly max: number } | undefined;
  /** Gets a line for each request. */
  readonly log?: string | undefined;
  readonly onRequest?: (request: { readonly method: string; readonly path: string; readonly status: number; readonly from: string }) => void;
}
export interface HttpServer extends AsyncDisposable { readonly port: number }

/** Starts to listen. Throws HTTP_SERVER_NO_PORT where it cannot. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a' });
  log?.on('error', () => {});
  const server = createServer((request, response) => {
    const path = pathOf(request);
    response.once('close', () => {
      const entry = { method: request.method ?? '', path: request.url ?? '', status: response.statusCode, from: request.socket.remoteAddress ?? '' };
      log?.write(`${new Date().toISOString()} ${entry.from} ${entry.method} ${entry.path} ${entry.status}\n`);
      options.onRequest?.(entry);
    });
    answer(request, response, path, options).catch(() => { if (!response.headersSent) response.writeHead(500); response.end(); });
  });
  const ports = options.ports === undefined ? [0] : Array.from({ length: options.ports.max - options.ports.min + 1 }, (_, i) => options.ports!.min + i);
  let why = '';
  for (const port of ports) {
    const error = await new Promise<Error | undefined>(resolve => {
      server.once('error', resolve);
      server.listen(port, options.host, () => { server.off('error', resolve); resolve(undefined); });
    });
    if (error === undefined) {
      return {
        port: (server.address() as AddressInfo).port,
        async [Symbol.asyncDispose]() {
          server.closeAllConnections();
          await new Promise(resolve => server.close(resolve));
          await new Promise<void>(resolve => { if (log === undefined) resolve(); else log.end(resolve); });
        },
      };
    }
    why = error.message;
  }
  throw fail.NO_PORT(isIPv6(options.host) ? `[${options.host}]` : options.host, ports.length === 1 && ports[0] === 0 ? 'any port' : `ports ${ports[0]} to ${ports.at(-1)}`, why);
}

function pathOf(request: IncomingMessage): string | undefined {
  try { return decodeURIComponent((request.url ?? '/').split(/[?#]/)[0]!); } catch { return undefined; }
}

async function answer(request: IncomingMessage, response: ServerResponse, path: string | undefined, options: HttpServerOptions): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') { response.writeHead(405, { Allow: 'GET, HEAD' }).end(); return; }
  if (path === undefined || path.includes('\0')) { response.writeHead(400).end(); return; }
  const given = options.content?.() ?? {}, text = given[path] ?? given[path.replace(/^\//, '')];
  if (text !== undefined) {
    const bytes = Buffer.from(text, 'utf8');
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  const file = options.directory === undefined ? undefined : join(options.directory, normalize(join(sep, path)));
  const stats = file === undefined ? undefined : await stat(file).catch(() => undefined);
  if (file === undefined || stats === undefined) { response.writeHead(404).end(); return; }
  if (stats.isDirectory()) {
    const names = (await readdir(file, { withFileTypes: true })).map(e => e.isDirectory() ? `${e.name}/` : e.name).sort();
    const page = `<!DOCTYPE html>\n<pre>\n${names.map(name => `<a href="${encodeURI(name)}">${name.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</a>`).join('\n')}\n</pre>\n`;
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': Buffer.byteLength(page) });
    response.end(request.method === 'HEAD' ? undefined : page);
    return;
  }
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? ''), { size } = stats;
  const start = range === null ? 0 : range[1] === '' ? Math.max(0, size - Number(range[2])) : Number(range[1]), end = range === null || range[1] === '' || range[2] === '' ? size - 1 : Math.min(Number(range[2]), size - 1);
  if (range !== null && (start > end || start >= size)) { response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end(); return; }
  response.writeHead(range === null ? 200 : 206, {
    'Content-Type': 'application/octet-stream', 'Content-Length': Math.max(0, end - start + 1), 'Accept-Ranges': 'bytes', 'Last-Modified': stats.mtime.toUTCString(),
    ...(range === null ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD' || size === 0) { response.end(); return; }
  await new Promise<void>((resolve, reject) => createReadStream(file, { start, end }).once('error', reject).pipe(response).once('close', resolve));
}
