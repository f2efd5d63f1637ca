import type { windowsRestart } from '../../constructs/provisioners/windows-restart.js';
import { errors } from '../../errors.js';
import { now } from '../clock.js';
import { afterBoot, bootState } from '../communicators/reboot.js';
import { endedHow, reasonOf } from '../communicators/unix-files.js';
import type { Communicator, Context, Exit, ProvisionerDriver } from '../driver.js';
import { powershellCommand, quotePowershell } from '../guest/powershell.js';
import { retry } from '../retry.js';
import { mustBeWindows } from '../guest/windows-step.js';

const fail = errors('WINDOWS_RESTART', {
  COMMAND: { message: (how: string, said: string) => `The command that should restart the guest ${how}${said === '' ? '.' : `: ${said}`}`, remedy: 'Try the command in the guest: it needs the right to shut it down.' },
  AWAY: { message: () => 'The guest does not answer, so it cannot be told to restart.', remedy: 'Look at a screenshot of it.' },
});
/** Ends with 1115 or 1190: it is on its way down already. */
const onItsWay: readonly number[] = [0, 1115, 1190];
const pending = [
  'HKLM:SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending', 'HKLM:SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\PackagesPending',
  'HKLM:SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootInProgress',
];

export default {
  effects: 'guest',
  async run(props, guest, ctx) {
    mustBeWindows(guest, 'windows-restart');
    const before = await bootState(guest, ctx.signal), began = now(), budget = props.restartTimeout.$duration;
    if (before === undefined) throw fail.AWAY();
    const { exit, said } = await ask(props.restartCommand ?? 'shutdown /r /f /t 0 /c "imagebake restarts it"', guest, ctx);
    if (exit.how === 'signalled' || (exit.how === 'exited' && !onItsWay.includes(exit.code))) throw fail.COMMAND(endedHow(exit), said);
    ctx.note('The guest restarts; waiting for it.');
    await afterBoot(guest, before.id, { budget, signal: ctx.signal, waiting: what => ctx.note(`Waiting: ${what}.`, { detail: true }) });
    const left = (): number => Math.max(1000, began + budget - now());
    const until = (what: string, command: string): Promise<void> => retry(async () => {
      const answer = await ask(command, guest, ctx);
      if (answer.exit.how !== 'exited' || answer.exit.code !== 0) throw new Error(answer.exit.how === 'exited' ? `it exited with ${answer.exit.code}${answer.said === '' ? '' : `: ${answer.said}`}` : reasonOf(answer.exit, ''));
    }, { what, budget: left(), pause: 500, maxPause: 5000, factor: 1.5, signal: ctx.signal });
    if (props.restartCheckCommand !== undefined) await until('restartCheckCommand to end with 0 (restartTimeout)', props.restartCheckCommand);
    if (props.checkRegistry) {
      const keys = props.registryKeys ?? pending;
      await until('Windows to be done with its updates (checkRegistry, restartTimeout)', powershellCommand(`foreach ($key in @(${keys.map(quotePowershell).join(', ')})) { if (Test-Path -LiteralPath $key) { [Console]::Error.Write($key); exit 1 } }; exit 0`));
    }
    ctx.note('The guest has been restarted.');
  },
} satisfies ProvisionerDriver<typeof windowsRestart>;

async function ask(command: string, guest: Communicator, ctx: Context): Promise<{ readonly exit: Exit; readonly said: string }> {
  let said = '';
  const keep = (chunk: Uint8Array): void => { said = (said + Buffer.from(chunk).toString()).slice(-500); };
  const exit = await guest.exec(command, { signal: ctx.signal, stdout: keep, stderr: keep });
  return { exit, said: said.trim().split('\n').at(-1) ?? '' };
}
