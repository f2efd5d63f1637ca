/** Gets an installer going: serves its answers, types at its prompt, waits for its end. */
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { errors } from '../../../errors.js';
import type { Context } from '../../driver.js';
import { parseBootCommand } from '../../guest/boot-command.js';
import { serveHttp } from '../../network/http-server.js';
import { capture } from '../../host/process.js';
import { sleep, within } from '../../retry.js';
import type { Running } from './launch.js';
import type { Props } from './prepare.js';
import { Screen } from './screen.js';
import { Typist } from './typing.js';

const fail = errors('INSTALL', {
  NO_ADDRESS: { message: (name: string) => `The network card ${name} of this computer has no address that the guest could use.`, remedy: 'Name another (http.interface, netBridge).' },
});

/** Host values, by their names here and in Packer. */
export type Values = { [name: string]: string };

/** Starts the HTTP server where the program has something for the guest to fetch; it ends with `ctx.scope`. What it is called goes into `values`. */
export async function serveAnswers(props: Props, values: Values, ctx: Context): Promise<void> {
  const { http } = props;
  if (http?.directory === undefined && http?.content === undefined) return;
  const content = http.content ?? {}, onBridge = props.netBridge !== undefined, version6 = http.networkProtocol === 'tcp6';
  const server = await serveHttp({
    directory: http.directory, content: () => Object.fromEntries(Object.entries(content).map(([path, text]) => [path, ctx.fill(text, values)])),
    // On QEMU's own network the guest reaches this computer's loopback.
    host: http.bindAddress ?? (onBridge ? version6 ? '::' : '0.0.0.0' : version6 ? '::1' : '127.0.0.1'),
    ports: http.portMin === undefined && http.portMax === undefined ? undefined : { min: http.portMin ?? Math.min(8000, http.portMax!), max: http.portMax ?? Math.min(65_535, http.portMin! + 1000) },
    log: join(ctx.run.folder, 'http.log'), onRequest: r => ctx.note(`the guest asked for ${r.path}: ${r.status}`, { detail: r.status === 200 }),
  });
  ctx.scope.defer('stop the HTTP server', async () => server[Symbol.asyncDispose]());
  const ip = onBridge || http.interface !== undefined ? await addressOf(http.interface ?? props.netBridge!, version6) : version6 ? 'fec0::2' : '10.0.2.2';
  Object.assign(values, { httpIp: ip, HTTPIP: ip, httpPort: String(server.port), HTTPPort: String(server.port), httpAddress: `${ip.includes(':') ? `[${ip}]` : ip}:${server.port}` });
  ctx.note(`serving files for the guest at http://${values['httpAddress']}/`);
}

async function addressOf(card: string, version6: boolean): Promise<string> {
  const found = networkInterfaces()[card]?.find(a => a.family === (version6 ? 'IPv6' : 'IPv4'))?.address ?? await silentAddress(card, version6);
  if (found === undefined) throw fail.NO_ADDRESS(card);
  return found;
}

/** The address of a card that Node does not list: a bridge whose last guest has left has no carrier until the next one comes. */
async function silentAddress(card: string, version6: boolean): Promise<string | undefined> {
  const said = await capture('ip', ['-o', version6 ? '-6' : '-4', 'addr', 'show', 'dev', card, 'scope', 'global']).catch(() => '');
  return /\sinet6? ([0-9a-f.:]+)/.exec(said)?.[1];
}

/** What is typed at the start. A key that does not exist is found before the machine starts. */
export function bootEntries({ boot }: Props): NonNullable<NonNullable<Props['boot']>['command']> {
  const entries = boot?.command ?? boot?.steps?.map(([command = '']) => command) ?? [];
  for (const entry of entries) if (typeof entry === 'string') parseBootCommand(entry.replace(/\{\{.*?\}\}/g, ''));
  return entries;
}

/** Types the boot command. */
export async function typeBootCommand(running: Running, props: Props, values: Values, folder: string, signal: AbortSignal, picture: (phase: 'typing' | 'typed') => Promise<void>, ctx: Context): Promise<void> {
  const entries = bootEntries(props), { boot } = props;
  if (entries.length === 0) return;
  const screen = new Screen(running.qmp, folder, ctx.programFolder), typist = new Typist(running.qmp, { key: boot?.keyInterval?.$duration ?? 20, layout: boot?.keyboardLayout ?? 'us', isPc: props.architecture === 'x86_64' }, signal);
  // What waits for the screen needs no guess of how long that takes.
  if (typeof entries[0] === 'string') await sleep(boot?.wait?.$duration ?? 10_000, signal);
  const first = entries.findIndex(entry => typeof entry === 'string');
  let last = false;
  try {
    for (const [i, entry] of entries.entries()) {
      const next = entries[i + 1];
      last = next === undefined;
      if (typeof entry !== 'string') { await screen.wait(entry, signal); continue; }
      if (typeof next === 'object' && next.screen === 'changed') await screen.remember();
      if (i === first) {
        ctx.note('typing the boot command');
        await picture('typing');
      }
      await typist.type(parseBootCommand(ctx.fill(entry, values)));
      if (!last) await sleep(boot?.keygroupInterval?.$duration ?? 0, signal);
    }
    await typist.release();
  } catch (error) {
    // The last key switched the machine off, and was never let go.
    if (ctx.signal.aborted || props.communicator !== 'none' || !last || typist.left > 0 || !await running.goes()) throw error;
  }
  await picture('typed');
}

/** Waits until an installer that was booted by its kernel has restarted the machine, or switched it off. */
export async function installerDone(running: Running, budget: number, signal: AbortSignal, ctx: Context): Promise<void> {
  ctx.note('waiting for the installer to be done');
  let reset = false;
  const off = running.qmp.on(event => { if (event.event === 'SHUTDOWN') reset = event.data['reason'] === 'guest-reset'; });
  try { await within(budget, 'the installer to be done (ssh.timeout)', signal, inner => Promise.race([running.exited, new Promise<never>((_, reject) => inner.addEventListener('abort', () => reject(inner.reason as Error), { once: true }))])); }
  finally { off(); }
  // Many installers switch off when they fail, and some when they are done: the disk will show it.
  if (!reset) ctx.warn('The installer switched the machine off instead of restarting it. If it failed, the serial log says why.', 'INSTALL');
}
