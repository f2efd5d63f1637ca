/** Ports that lead through the connection, in both directions. */
import { connect, createServer, type Server } from 'node:net';
import type { Client } from 'ssh2';
import { errors, messageOf } from '../../../errors.js';

const fail = errors('SSH', {
  TUNNEL: { message: (tunnel: string) => `'${tunnel}' is no tunnel.`, remedy: "Write port:host:port, such as '8080:localhost:80'." },
  TUNNEL_OPEN: { message: (tunnel: string, reason: string) => `The tunnel ${tunnel} cannot be opened: ${reason}.`, remedy: 'Check that the port is free where the tunnel begins, and that the SSH server allows tunnels (AllowTcpForwarding).' },
});

export interface Tunnel { readonly text: string; readonly port: number; readonly host: string; readonly targetPort: number }

/** Reads `8080:localhost:80`. Throws SSH_TUNNEL. */
export function parseTunnel(text: string): Tunnel {
  const match = /^(\d+):(.+):(\d+)$/.exec(text);
  const [port, targetPort] = [Number(match?.[1]), Number(match?.[3])];
  if (!match || port > 65535 || targetPort > 65535 || targetPort === 0) throw fail.TUNNEL(text);
  return { text, port, host: match[2]!.replace(/^\[|\]$/g, ''), targetPort };
}

/** Listens on ports of this computer; what connects goes on from the guest. Returns how to end it. `client` is asked for each connection: it may have been made anew. */
export async function openLocalTunnels(tunnels: readonly Tunnel[], client: () => Client): Promise<() => Promise<void>> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => { await Promise.all(servers.map(server => new Promise(resolve => { server.close(resolve); }))); };
  for (const tunnel of tunnels) {
    const server = createServer(socket => {
      socket.on('error', () => {});
      try {
        client().forwardOut('127.0.0.1', socket.remotePort ?? 0, tunnel.host, tunnel.targetPort, (error, stream) => {
          if (error) { socket.destroy(); return; }
          stream.on('error', () => {});
          socket.pipe(stream).pipe(socket);
        });
      } catch { socket.destroy(); }
    });
    // They end with the connection; none of them keeps the process alive.
    server.unref();
    try {
      await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(tunnel.port, '127.0.0.1', resolve); });
      servers.push(server);
    } catch (error) { await close(); throw fail.TUNNEL_OPEN(tunnel.text, messageOf(error)); }
  }
  return close;
}

/** Lets ports of the guest lead to addresses as this computer sees them, for as long as the connection lives. */
export async function openRemoteTunnels(tunnels: readonly Tunnel[], client: Client): Promise<void> {
  const open = new Map<number, Tunnel>();
  client.on('tcp connection', ({ destPort }, accept, reject) => {
    const tunnel = open.get(destPort);
    if (!tunnel) { reject(); return; }
    const socket = connect(tunnel.targetPort, tunnel.host);
    socket.once('connect', () => {
      const stream = accept();
      stream.on('error', () => {});
      socket.pipe(stream).pipe(socket);
    });
    socket.on('error', () => reject());
  });
  for (const tunnel of tunnels) {
    await new Promise<void>((resolve, reject) => {
      client.forwardIn('127.0.0.1', tunnel.port, (error, port) => {
        if (error) { reject(fail.TUNNEL_OPEN(tunnel.text, error.message)); return; }
        open.set(port || tunnel.port, tunnel);
        resolve();
      });
    });
  }
}
