import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import type { shell } from '../../constructs/provisioners/shell.js';
import { errors } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import { afterBoot, bootState } from '../communicators/reboot.js';
import { endedHow } from '../communicators/unix-files.js';
import { now } from '../clock.js';
import type { Communicator, Context, Exit, ProvisionerDriver } from '../driver.js';
import { atStart, eachScript, startInGuest } from '../guest/scripts.js';
import { Tail } from '../host/script.js';
import { packerVariables } from '../packer-names.js';
import { templateProblems } from '../formats/go-template.js';
import { quotePath } from '../guest/quote.js';
import { sleep } from '../retry.js';
import { type Script, isText, scriptTemplateNames, wrapperOf } from '../guest/unix-script.js';

const fail = errors('SHELL', {
  FAILED: {
    message: (what: string, how: string, said: string, _hint: string) => `${atStart(what)} ${how}${said === '' ? '. It printed nothing.' : `. It said:\n${said}`}`,
    remedy: (_what: string, _how: string, _said: string, hint: string) => hint,
    explain: 'A script in the guest ended with an exit code that does not count as success, or by a signal.',
  },
  DISCONNECTED: {
    message: (what: string, reason: string, said: string) => `The connection to the guest was lost while ${what} ran, so it is not known how it ended (${reason})${said === '' ? '.' : `. It had said:\n${said}`}`,
    remedy: 'Where the script reboots the guest, say mayReboot: true; where it cuts the connection otherwise, expectDisconnect: true.',
    explain: 'A step has succeeded only if its exit status arrived.',
  },
  NOT_STARTED: { message: (what: string, seconds: number, reason: string) => `${atStart(what)} could not be started: the guest was not there for ${seconds} s (${reason}).`, remedy: 'Look at its serial log and screenshot. startRetryTimeout says how long a guest may be away.' },
  NO_STATUS: {
    message: (what: string, reason: string) => `The connection was lost while ${what} ran (${reason}). The guest is back in the same boot, and the script has left no exit status.`,
    remedy: 'Let the script end before the connection goes: put what cuts it into the background (`nohup sh -c "sleep 1; …" &`).',
  },
  WINDOWS: { message: () => 'The shell provisioner is for Unix guests, and this one runs Windows.', remedy: 'Use the powershell or windows-shell provisioner.' },
});
type Props = Resolved<typeof shell>;

/** Milliseconds that a reboot may take, and in which one that a script has started must become visible. */
const rebootBudget = 600_000, rebootSign = 3000;

export default {
  effects: 'guest',
  preflight: async props => templateProblems(props.executeCommand, scriptTemplateNames, 'executeCommand'),
  async run(props, guest, ctx) {
    if (guest.guest === 'windows') throw fail.WINDOWS();
    if (props.inline) return runOne(inlineScript(props), 'the script', props, guest, ctx);
    await eachScript(props, ctx, (content, what) => runOne(props.binary || !isText(content) ? content : Buffer.from(content.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'), what, props, guest, ctx));
  },
} satisfies ProvisionerDriver<typeof shell>;

function inlineScript(props: Props): Buffer {
  // Asked in a subshell: a shell without pipefail must not end here.
  const careful = props.inlineShebang === undefined ? '(set -o pipefail) 2>/dev/null && set -o pipefail\n' : '';
  return Buffer.from(`#!${(props.inlineShebang ?? '/bin/sh -e').replace(/^#!/, '')}\n${careful}${props.inline!.join('\n')}\n`);
}

async function runOne(content: Buffer, what: string, props: Props, guest: Communicator, ctx: Context): Promise<void> {
  const id = randomUUID().slice(0, 8);
  const script: Script = {
    content, path: props.remotePath ?? `${props.remoteFolder.replace(/\/$/, '')}/${props.remoteFile ?? `script_${id}.sh`}`, asIs: props.binary,
    environment: props.environment ?? {}, ours: packerVariables(ctx), keep: props.skipClean, survives: props.expectDisconnect || props.mayReboot, envVarFile: props.useEnvVarFile,
    ...(props.executeCommand === undefined ? {} : { executeCommand: props.executeCommand }),
  };
  const wrapper = wrapperOf(script), tail = new Tail();
  if (wrapper.exposes) ctx.warn(`${atStart(what)} is no shell script, so {{.Vars}} puts its variables into a command line of the guest, where others may see them. Read {{.EnvVarFile}} instead.`, 'SHELL_VARS_EXPOSED');
  const before = script.survives ? await bootState(guest, ctx.signal) : undefined;
  const exit = await startInGuest(props.startRetryTimeout, guest, ctx, (seconds, reason) => fail.NOT_STARTED(what, seconds, reason), async () => {
    if (wrapper.upload) await guest.upload(wrapper.upload, script.path, { mode: 0o755, signal: ctx.signal });
    const file = `${script.path}.run`, inTerminal = guest.pty === true;
    // A terminal would echo what is typed into it, and cut long lines.
    if (inTerminal) await guest.upload(Buffer.from(wrapper.text), file, { mode: 0o600, signal: ctx.signal });
    return guest.exec(inTerminal ? `. ${quotePath(file)}` : 'eval "$(cat)"', {
      ...(inTerminal ? { pty: true } : { stdin: wrapper.text }), signal: ctx.signal,
      script: { content, path: script.path, environment: script.environment, ...(props.inline === undefined ? {} : { commands: props.inline }) },
      ...tail.listen(ctx),
    });
  });
  if (exit.how === 'disconnected') {
    if (!before) throw fail.DISCONNECTED(what, exit.reason ?? 'no reason known', tail.text());
    ctx.note('The connection was lost, as the step expects; waiting for the guest.');
    const end = await afterBoot(guest, before.id, {
      budget: rebootBudget, signal: ctx.signal, more: wrapper.status, waiting: text => ctx.note(`Waiting: ${text}.`, { detail: true }), same: statusReader(what, exit.reason ?? 'no reason known'),
    });
    if (end.rebooted) { ctx.note('The guest has been rebooted.'); await guest.exec(wrapper.clean, { signal: ctx.signal }); return; }
    return judge({ how: 'exited', code: end.as }, what, content, props, tail);
  }
  judge(exit, what, content, props, tail);
  if (props.mayReboot && before) await awaitAnnounced(guest, before.id, ctx);
}

/** What a guest in the same boot means: the status that the script has left, or a while for it to appear. */
function statusReader(what: string, reason: string): (state: { readonly more: string }) => number | undefined {
  let looks = 0;
  return ({ more }) => {
    const word = more.trim();
    if (/^\d+$/.test(word)) return Number(word);
    if (word === 'running') return undefined;
    // It may be about to reboot and not say so yet.
    if (++looks > 6) throw fail.NO_STATUS(what, reason);
    return undefined;
  };
}

function judge(exit: Exit, what: string, content: Buffer, props: Props, tail: Tail): void {
  if (exit.how === 'exited' && props.validExitCodes.includes(exit.code)) return;
  const said = tail.text(12), code = exit.how === 'exited' ? exit.code : 0;
  const meaning = code === 127 ? 'a command, or what shall read the script, was not found' : code === 126 ? 'a command, or the script, may not be executed' : code > 128 && code < 160 ? signalName(code - 128) : undefined;
  throw fail.FAILED(what, endedHow(exit, meaning), said, hintOf(code, said, content), { facts: { exit } });
}

/** What a shell says of a command that a signal ended: 128 and its number. */
const signalName = (number: number): string | undefined => Object.entries(constants.signals).find(([, value]) => value === number)?.[0];

function hintOf(code: number, said: string, content: Buffer): string {
  const first = content.toString('latin1', 0, 256).split('\n', 1)[0]!;
  if ((code === 127 || code === 126) && first.startsWith('#!') && first.endsWith('\r')) return 'Its first line has a Windows line end, so a program of that name with a carriage return was looked for: leave binary out, or mend the file.';
  if (code === 127) return 'Install what is missing in an earlier step, or name it by its path: steps run without a login, so PATH may be shorter than in a terminal.';
  if (/could not be written to/.test(said)) return 'Take another folder with remoteFolder, or make space in the guest.';
  if (/sudo:.*(password|terminal) is required|no askpass/.test(said)) return `sudo asks for a password, and there is nobody to give it: let the user in without (NOPASSWD in /etc/sudoers.d), or say executeCommand: text\`echo \${Secret.env('PASSWORD')} | sudo -S sh {{.Path}}\`.`;
  if (said === '') return 'Scripts find their standard input empty, so a command that asks gets no answer; `set -x` shows which one it is. Other exit codes can be allowed with validExitCodes.';
  return 'Its whole output is in the log. Other exit codes can be allowed with validExitCodes.';
}

/** A reboot that the script has started may show only after its end. */
async function awaitAnnounced(guest: Communicator, before: string, ctx: Context): Promise<void> {
  for (const until = now() + rebootSign; now() < until;) {
    const state = await bootState(guest, ctx.signal).catch(() => undefined);
    ctx.signal.throwIfAborted();
    if (state?.id === before && !state.goingDown) { await sleep(500, ctx.signal); continue; }
    if (state?.id === before || state === undefined) {
      ctx.note('The guest reboots; waiting for it.');
      await afterBoot(guest, before, { budget: rebootBudget, signal: ctx.signal });
    }
    ctx.note('The guest has been rebooted.');
    return;
  }
}
