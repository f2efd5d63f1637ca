/** An SSH server in this process that misbehaves on request: what no real server does when a test asks for it. */
import { spawn } from 'node:child_process';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { type SshKeyPair, sshKeyPair } from '../../lib/runtime/communicators/ssh/key-pair.js';

/** What happens to one connection. Each takes the next of the list; the last stays for all that follow. */
export type Behaviour =
  /** Closed as soon as it is accepted, as a forwarded port does while nothing listens behind it. */
  | 'refuse'
  /** Accepted, and nothing more: a forwarded port whose guest has no network yet. */
  | 'silent'
  /** The greeting, and nothing more. */
  | 'banner-only'
  /** Some other server. */
  | 'http'
  /** The greeting after so many milliseconds, then a good server. */
  | { readonly greetAfter: number }
  /** A server that lets nobody in; `say`: its text before the login. */
  | { readonly refuseLogin: true; readonly hostKey?: SshKeyPair; readonly say?: string }
  /** Lets the user in with any key (or this password), and runs commands as `run` says. */
  | Good;
export interface Good {
  readonly hostKey?: SshKeyPair;
  /** `user:password` that is let in; any key otherwise. */
  readonly password?: string;
  /** Password only by keyboard-interactive. */
  readonly interactive?: boolean;
  readonly maxChannels?: number;
  readonly run?: (command: string, channel: ServerChannel, connection: Connection) => void;
}

export interface FaultServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly hostKey: SshKeyPair;
  /** When each connection came, in milliseconds since the first. */
  readonly connections: number[];
  /** Logins that were tried: `publickey root`. */
  readonly logins: string[];
  /** Commands that were run. */
  readonly commands: string[];
  behave(...behaviours: Behaviour[]): void;
  /** Cuts all connections. */
  drop(): void;
}

export async function faultServer(...first: Behaviour[]): Promise<FaultServer> {
  const hostKey = sshKeyPair('fault server'), sockets = new Set<Socket>(), connections: number[] = [], logins: string[] = [], commands: string[] = [];
  let queue = first.length === 0 ? [{}] : first, start: number | undefined;
  const listener = createServer(socket => {
    connections.push(Date.now() - (start ??= Date.now()));
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const behaviour = queue.length > 1 ? queue.shift()! : queue[0]!;
    if (behaviour === 'refuse') socket.destroy();
    else if (behaviour === 'silent') return;
    else if (behaviour === 'banner-only') socket.write('SSH-2.0-Fault\r\n');
    else if (behaviour === 'http') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    else if ('greetAfter' in behaviour) setTimeout(() => { if (!socket.destroyed) serve(socket, {}); }, behaviour.greetAfter);
    else if ('refuseLogin' in behaviour) serve(socket, behaviour, true);
    else serve(socket, behaviour);
  });
  function serve(socket: Socket, good: Good & { readonly say?: string }, refuse = false): void {
    const server = new ssh2.Server({ hostKeys: [(good.hostKey ?? hostKey).privateKey], ...(good.say === undefined ? {} : { banner: good.say }) }, connection => {
      let open = 0;
      connection.on('error', () => {});
      connection.on('authentication', login => {
        logins.push(`${login.method} ${login.username}`);
        const methods = good.interactive ? ['keyboard-interactive'] : good.password === undefined ? ['publickey'] : ['password'];
        if (refuse) login.reject(['publickey', 'password'] as never);
        else if (login.method === 'publickey' && good.password === undefined) login.accept();
        else if (login.method === 'password' && !good.interactive && `${login.username}:${login.password}` === good.password) login.accept();
        else if (login.method === 'keyboard-interactive' && good.interactive) {
          login.prompt([{ prompt: 'Password: ', echo: false }], answers => { if (`${login.username}:${answers[0]}` === good.password) login.accept(); else login.reject(methods as never); });
        } else login.reject(methods as never);
      });
      connection.on('session', (accept, reject) => {
        if (open >= (good.maxChannels ?? 100)) { reject(); return; }
        open += 1;
        const session = accept();
        session.on('pty', ok => ok?.());
        session.on('exec', (ok, _no, { command }) => {
          const channel = ok();
          commands.push(command);
          channel.on('close', () => { open -= 1; });
          channel.on('error', () => {});
          if (good.run && command !== 'exit 0') { good.run(command, channel, connection); if (channel.listenerCount('data') === 0) channel.resume(); return; }
          channel.resume();
          channel.exit(0);
          channel.end();
        });
      });
    });
    server.on('error', () => {});
    server.injectSocket(socket);
  }
  await new Promise<void>((resolve, reject) => { listener.once('error', reject); listener.listen(0, '127.0.0.1', resolve); });
  const drop = (): void => { for (const socket of sockets) socket.destroy(); };
  return {
    host: '127.0.0.1', port: (listener.address() as AddressInfo).port, hostKey, connections, logins, commands, drop,
    behave: (...behaviours) => { queue = behaviours; },
    async [Symbol.asyncDispose]() { await new Promise(resolve => { listener.close(resolve); drop(); }); },
  };
}

/** A port of this computer that nothing listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => { server.close(resolve); });
  return port;
}

/** For `run`: the command is run on this computer, with its input and output, after `change` has had its way with it. */
export function runHere(change: (command: string) => string = command => command): NonNullable<Good['run']> {
  return (command, channel) => {
    const child = spawn('/bin/sh', ['-c', change(command)], { detached: true });
    channel.pipe(child.stdin);
    child.stdin.on('error', () => {});
    child.stdout.on('data', chunk => channel.write(chunk));
    child.stderr.on('data', chunk => channel.stderr.write(chunk));
    child.on('close', code => { if (code !== null) channel.exit(code); channel.end(); });
  };
}
