/** Which process it was: a number alone is used again, a number with its start is not. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process, in the system's own notation; only compared. */
  readonly start: string;
  /** Computer, boot and process namespace that the number belongs to. */
  readonly world: string;
}

let here: string | undefined;
/** The computer, its boot and the process namespace: elsewhere, process numbers mean nothing. */
export function thisWorld(): string {
  return here ??= [hostname(), read('/proc/sys/kernel/random/boot_id').trim(), link('/proc/self/ns/pid')].join(' ');
}

let own: ProcessIdentity | undefined;
/** This process. */
export function thisProcess(): ProcessIdentity {
  return own ??= { pid: process.pid, start: startOf(process.pid) ?? '', world: thisWorld() };
}

/** When a process started; undefined: there is none (a zombie counts as none). */
export function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = read(`/proc/${pid}/stat`);
    // The name in parentheses may hold anything; what follows it is in columns.
    const columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat === '' || columns[0] === 'Z' || columns[0] === 'X' ? undefined : columns[19];
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process lives. `elsewhere`: it belongs to another computer or container, and nothing can be said of it here. */
export function liveness(identity: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  if (identity.world !== thisWorld()) {
    // The same computer after a restart: whatever ran then is gone.
    const [host, boot] = identity.world.split(' '), [thisHost, thisBoot] = thisWorld().split(' ');
    return host === thisHost && boot !== thisBoot && boot !== '' && thisBoot !== '' ? 'dead' : 'elsewhere';
  }
  return startOf(identity.pid) === identity.start ? 'alive' : 'dead';
}

function read(file: string): string {
  try { return readFileSync(file, 'utf8'); } catch { return ''; }
}
function link(file: string): string {
  try { return readlinkSync(file); } catch { return ''; }
}
