/** A WinRM service in this process that misbehaves on request: Basic over http, commands that only say what the test lets them say. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type Action = 'Create' | 'Command' | 'Receive' | 'Send' | 'Signal' | 'Delete';
/** What becomes of one request. Where `done`, the service does what it is asked, and only the answer goes wrong. */
export type Misbehaviour =
  /** The connection is cut, before or after it was done. */
  | { readonly drop: true; readonly done?: boolean }
  /** A fault of WS-Management. */
  | { readonly fault: string; readonly code: string; readonly done?: boolean }
  /** The answer stops in the middle of its XML. */
  | { readonly truncated: true; readonly done?: boolean }
  /** An answer in HTTP that is no SOAP. */
  | { readonly status: number; readonly type?: string; readonly body?: string }
  /** The answer comes after so many milliseconds. */
  | { readonly after: number };

export interface WinrmFaultServer extends AsyncDisposable {
  readonly port: number;
  /** Command lines that were started, without the `exit 0` by which a connection is tried out. */
  readonly started: string[];
  /** Requests by action, in order. */
  readonly asked: Action[];
  /** The next requests of this action go wrong, one after the other. */
  misbehave(action: Action, ...how: Misbehaviour[]): void;
  /** What a command says and ends with. @default nothing, and 0 */
  run(answer: (line: string) => { readonly out?: string; readonly code?: number; readonly lasts?: boolean }): void;
  /** Loses all shells and cuts all connections, as a reboot does; refuses new ones for so many milliseconds. */
  reboot(away: number): void;
  /** Loses all shells. */
  forget(): void;
}

const S = 'http://www.w3.org/2003/05/soap-envelope', RSP = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';
const envelope = (body: string): string => `<s:Envelope xmlns:s="${S}" xmlns:rsp="${RSP}"><s:Header/><s:Body>${body}</s:Body></s:Envelope>`;
const faulty = (code: string, message: string): string => envelope(`<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>${message}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="x" Code="${code}"><f:Message>${message}</f:Message></f:WSManFault></s:Detail></s:Fault>`);

export async function winrmFaultServer(): Promise<WinrmFaultServer> {
  const sockets = new Set<Socket>(), shells = new Map<string, Map<string, { out: string; code: number; lasts: boolean }>>(), started: string[] = [], asked: Action[] = [];
  const plans = new Map<Action, Misbehaviour[]>();
  let answerOf: (line: string) => { readonly out?: string; readonly code?: number; readonly lasts?: boolean } = () => ({}), next = 1, awayUntil = 0;

  /** Does what is asked: the body of the answer, or a fault. */
  function act(action: Action, text: string): { readonly status: number; readonly body: string } {
    const shell = /Name="ShellId">([^<]+)</.exec(text)?.[1], commands = shells.get(shell ?? ''), id = /CommandId="([^"]+)"/.exec(text)?.[1];
    if (action === 'Create') { shells.set(`shell-${next}`, new Map()); return { status: 200, body: envelope(`<rsp:Shell><rsp:ShellId>shell-${next++}</rsp:ShellId></rsp:Shell>`) }; }
    if (commands === undefined) return { status: 500, body: faulty('2150858843', 'The shell was not found on the server.') };
    if (action === 'Delete') { shells.delete(shell!); return { status: 200, body: envelope('') }; }
    if (action === 'Command') {
      const line = /<rsp:Command>([^<]*)</.exec(text)?.[1] ?? '', { out = '', code = 0, lasts = false } = line === 'exit 0' ? {} : answerOf(line);
      if (line !== 'exit 0') started.push(line);
      commands.set(`command-${next}`, { out, code, lasts });
      return { status: 200, body: envelope(`<rsp:CommandResponse><rsp:CommandId>command-${next++}</rsp:CommandId></rsp:CommandResponse>`) };
    }
    const command = commands.get(id ?? '');
    if (command === undefined) return { status: 500, body: faulty('2150858843', 'The command was not found.') };
    if (action === 'Signal') { commands.delete(id!); return { status: 200, body: envelope('<rsp:SignalResponse/>') }; }
    if (action === 'Send') return { status: 200, body: envelope('<rsp:SendResponse/>') };
    if (command.lasts && command.out === '') return { status: 500, body: faulty('2150858793', 'The operation timed out.') };
    const stream = command.out === '' ? '' : `<rsp:Stream Name="stdout" CommandId="${id}">${Buffer.from(command.out).toString('base64')}</rsp:Stream>`;
    command.out = '';
    return { status: 200, body: envelope(`<rsp:ReceiveResponse>${stream}<rsp:CommandState CommandId="${id}" State="${RSP}/CommandState/${command.lasts ? 'Running' : 'Done'}">${command.lasts ? '' : `<rsp:ExitCode>${command.code}</rsp:ExitCode>`}</rsp:CommandState></rsp:ReceiveResponse>`) };
  }

  function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
    const reply = (status: number, body: string, type = 'application/soap+xml;charset=UTF-8'): void => { response.writeHead(status, { 'Content-Type': type, 'WWW-Authenticate': 'Basic realm="WSMAN"', 'Content-Length': Buffer.byteLength(body) }).end(body); };
    if (text === '') { reply(401, ''); return; }
    const action = /<a:Action[^>]*>[^<]*\/(\w+)<\/a:Action>/.exec(text)![1] as Action;
    const probe = action === 'Command' && text.includes('<rsp:Command>exit 0<');
    asked.push(action);
    const how = probe ? undefined : plans.get(action)?.shift();
    if (how === undefined) { const { status, body } = act(action, text); reply(status, body); return; }
    if ('after' in how) { setTimeout(() => { const { status, body } = act(action, text); reply(status, body); }, how.after); return; }
    if ('status' in how) { reply(how.status, how.body ?? '', how.type ?? 'text/html'); return; }
    const done = how.done === true ? act(action, text) : undefined;
    if ('drop' in how) request.socket.destroy();
    else if ('fault' in how) reply(500, faulty(how.code, how.fault));
    else reply(200, (done?.body ?? envelope('<rsp:X/>')).slice(0, -40));
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
  });
  server.on('connection', socket => {
    if (Date.now() < awayUntil) { socket.destroy(); return; }
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  const drop = (): void => { for (const socket of sockets) socket.destroy(); };
  return {
    port: (server.address() as AddressInfo).port, started, asked,
    misbehave: (action, ...how) => { plans.set(action, how); },
    run: how => { answerOf = how; },
    reboot: away => { awayUntil = Date.now() + away; shells.clear(); drop(); },
    forget: () => { shells.clear(); },
    async [Symbol.asyncDispose]() { drop(); await new Promise(resolve => server.close(resolve)); },
  };
}
