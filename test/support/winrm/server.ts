/** A WinRM service that logs in with an NTLM that others wrote, runs commands by sh, and has a stand-in for PowerShell. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where .ci/run installs pyspnego, with pip. */
export const spnegoFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'imagebake-test', 'pyspnego-0.12.4');

export interface WinrmServer extends AsyncDisposable {
  readonly port: number;
  /** What it has told: log-ins, shells. */
  readonly events: readonly { readonly [name: string]: unknown }[];
  /** `drop`: cuts every connection. `drop-reading`: cuts the one that waits for output, or the next that does: a cut between two requests harms nobody. `forget`: loses the shells. */
  order(what: 'drop' | 'drop-reading' | 'forget'): Promise<void>;
}
export interface WinrmServerSettings {
  readonly user: string; readonly password: string; readonly domain?: string; readonly auth: readonly ('ntlm' | 'basic')[];
  /** Takes Basic over http. */
  readonly unencrypted?: boolean;
  /** Shells at once. */
  readonly shells?: number;
  /** Paths of PEM files: then it is https. */
  readonly certificate?: string; readonly key?: string;
}

export async function startWinrmServer(settings: WinrmServerSettings, environment: { readonly [name: string]: string } = {}): Promise<WinrmServer> {
  const child = spawn(join(spnegoFolder, 'bin', 'python'), [fileURLToPath(new URL('server.py', import.meta.url)), JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  let said = '';
  child.stderr.on('data', chunk => { said = (said + String(chunk)).slice(-4000); });
  const events: { readonly [name: string]: unknown }[] = [], waiting: (() => void)[] = [];
  createInterface({ input: child.stdout }).on('line', line => { events.push(JSON.parse(line) as { readonly [name: string]: unknown }); for (const tell of waiting.splice(0)) tell(); });
  const ended = once(child, 'exit').then(() => { for (const tell of waiting.splice(0)) tell(); });
  const heard = async (name: string, value?: unknown, since = 0): Promise<unknown> => {
    for (;;) {
      const event = events.slice(since).find(e => name in e && (value === undefined || e[name] === value));
      if (event) return event[name];
      if (child.exitCode !== null) throw new Error(`the WinRM service ended: ${said}`);
      await new Promise<void>(resolve => { waiting.push(resolve); });
    }
  };
  return {
    port: await heard('port') as number, events,
    order: async what => { const since = events.length; child.stdin.write(`${what}\n`); await heard('done', what, since); },
    async [Symbol.asyncDispose]() { child.stdin.end(); await ended; },
  };
}
