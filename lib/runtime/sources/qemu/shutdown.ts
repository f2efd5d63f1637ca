/** Switches a guest off in an orderly way. */
import { errors } from '../../../errors.js';
import type { Communicator, Context } from '../../driver.js';
import { describeExit } from '../../host/process.js';
import { sleep, soon } from '../../retry.js';
import type { Running } from './launch.js';

const fail = errors('SHUTDOWN', {
  TIMEOUT: {
    message: (seconds: number, how: string) => `The guest is still on ${seconds} s after ${how}.`,
    remedy: 'Give it a command (shutdown.command), or more time (shutdown.timeout). The screenshot and the serial log show what it does.',
    explain: 'A disk is taken only from a machine that is off: an image of a file system in use may be broken. A guest without a handler for the power button (acpid, systemd-logind) needs shutdown.command.',
  },
  COMMAND: {
    message: (how: string, said: string) => `The shutdown command ${how}${said === '' ? '' : `: ${said}`}.`,
    remedy: 'Try the command in the guest: it must switch the machine off, and may need sudo.',
  },
});

export interface ShutdownOptions { readonly command?: string | undefined; /** Milliseconds. */ readonly timeout: number }

/** Returns when the machine is off. `guest`: the connection, where there is one. */
export async function shutDown(running: Running, guest: Communicator | undefined, options: ShutdownOptions, ctx: Context): Promise<void> {
  const off = new AbortController(), started = Date.now();
  void running.exited.then(() => off.abort());
  const signal = soon(options.timeout, ctx.signal, off.signal);
  let how = 'its power button was pressed';
  try {
    if (options.command !== undefined && options.command !== '' && guest !== undefined) {
      how = 'the shutdown command';
      await command(guest, options.command, signal, ctx);
      await sleep(options.timeout, signal);
    } else {
      // Pressed again: a guest that is still starting has nobody to hear the first one.
      for (;;) {
        await running.qmp.execute('system_powerdown').catch(async error => {
          if (!await running.goes()) throw error;
        });
        await sleep(10_000, signal);
      }
    }
  } catch (error) {
    if (ctx.signal.aborted || !signal.aborted) throw error;
  }
  if (running.alive()) {
    // The process goes a moment after its last event.
    await Promise.race([running.exited, sleep(Math.min(2000, options.timeout))]);
    if (running.alive()) throw fail.TIMEOUT(Math.round((Date.now() - started) / 1000), how);
  }
}

async function command(guest: Communicator, line: string, signal: AbortSignal, ctx: Context): Promise<void> {
  let said = '';
  const exit = await guest.exec(line, { signal, stdout: chunk => ctx.output('stdout', chunk), stderr: chunk => { said = (said + Buffer.from(chunk).toString('utf8')).slice(-500); ctx.output('stderr', chunk); } });
  // The connection usually goes with the machine.
  if (exit.how === 'disconnected' || exit.how === 'signalled' || exit.code === 0) return;
  throw fail.COMMAND(describeExit(exit), said.trim().split('\n').at(-1) ?? '');
}
