/** Proxies for tests, made of what is not ours: `ssh -D`, and node's own HTTP server; and a SOCKS5 server that asks for a password. */
import { createServer as createHttpServer, request as forward } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface TestProxy extends AsyncDisposable { readonly host: string; readonly port: number; /** `host:port` of each connection that was asked for. */ readonly asked: string[] }

async function listen(server: Server, asked: string[], sockets: Set<Socket>): Promise<TestProxy> {
  server.on('connection', (socket: Socket) => { sockets.add(socket); socket.on('error', () => {}).on('close', () => sockets.delete(socket)); });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return {
    host: '127.0.0.1', port: (server.address() as AddressInfo).port, asked,
    async [Symbol.asyncDispose]() { await new Promise(resolve => { server.close(resolve); for (const socket of sockets) socket.destroy(); }); },
  };
}

/** Opens tunnels, and passes plain requests on. `login`: `name:password` that it asks for. */
export function httpProxy(login?: string): Promise<TestProxy> {
  const asked: string[] = [], sockets = new Set<Socket>(), expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`, server = createHttpServer((request, response) => {
    if (request.headers['proxy-authorization'] !== expected) { response.writeHead(407).end(); return; }
    const { host, hostname, port, pathname } = new URL(request.url!), { 'proxy-authorization': _ours, ...headers } = request.headers;
    asked.push(host);
    forward({ hostname, port, path: pathname, headers }, answer => { response.writeHead(answer.statusCode!, answer.headers); answer.pipe(response); }).on('error', () => response.writeHead(502).end()).end();
  });
  server.on('connect', (request, socket: Socket) => {
    if (request.headers['proxy-authorization'] !== expected) { socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'); return; }
    asked.push(request.url!);
    const [, host, port] = /^(.*):(\d+)$/.exec(request.url!)!;
    const target = connect(Number(port), host!, () => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); socket.pipe(target).pipe(socket); });
    sockets.add(target);
    target.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  return listen(server, asked, sockets);
}

/** A SOCKS5 server that lets only `login` (`name:password`) through. */
export function socksProxy(login: string): Promise<TestProxy> {
  const asked: string[] = [], sockets = new Set<Socket>();
  const server = createServer(socket => {
    let state: 'hello' | 'login' | 'request' = 'hello';
    socket.on('data', function step(chunk: Buffer): void {
      if (state === 'hello') { state = 'login'; socket.write(Buffer.of(5, chunk.subarray(2).includes(2) ? 2 : 255)); return; }
      if (state === 'login') {
        const name = chunk.toString('utf8', 2, 2 + chunk[1]!), password = chunk.toString('utf8', 3 + chunk[1]!);
        state = 'request';
        socket.write(Buffer.of(1, `${name}:${password}` === login ? 0 : 1));
        return;
      }
      socket.off('data', step);
      const host = chunk.toString('utf8', 5, 5 + chunk[4]!), port = chunk.readUInt16BE(5 + chunk[4]!);
      asked.push(`${host}:${port}`);
      const target = connect(port, host, () => { socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)); socket.pipe(target).pipe(socket); });
      sockets.add(target);
      target.on('error', () => socket.end(Buffer.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0)));
    });
  });
  return listen(server, asked, sockets);
}
