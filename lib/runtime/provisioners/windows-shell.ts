import { randomUUID } from 'node:crypto';
import type { windowsShell } from '../../constructs/provisioners/windows-shell.js';
import { errors } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import type { Communicator, Context, ProvisionerDriver } from '../driver.js';
import { fillTemplate, templateProblems } from '../formats/go-template.js';
import { eachScript } from '../guest/scripts.js';
import { packerVariables } from '../packer-names.js';
import { batchOf, batchText, batchVariables, largest, withCrLf } from '../guest/windows-script.js';
import { mustBeWindows, removeFiles, runWindowsStep, type WindowsStep } from '../guest/windows-step.js';

const fail = errors('WINDOWS_SHELL', {
  VARIABLE: { message: (name: string) => `The variable ${name} cannot be set by commands of cmd.exe: its value has a quote or a line end.`, remedy: 'Leave executeCommand out: then any value arrives unchanged.' },
});
type Props = Resolved<typeof windowsShell>;

export default {
  effects: 'guest',
  preflight: async props => templateProblems(props.executeCommand, ['Vars', 'Path'], 'executeCommand'),
  async run(props, guest, ctx) {
    mustBeWindows(guest, 'windows-shell');
    if (props.inline) return runOne(batchOf(props.inline, props.validExitCodes), 'the batch file', props, guest, ctx);
    await eachScript(props, ctx, (content, what) => runOne(props.binary ? content : withCrLf(content), what, props, guest, ctx));
  },
} satisfies ProvisionerDriver<typeof windowsShell>;

async function runOne(content: Buffer, what: string, props: Props, guest: Communicator, ctx: Context): Promise<void> {
  const path = props.remotePath ?? `C:/Windows/Temp/script-${randomUUID().slice(0, 8)}.bat`, environment = { ...packerVariables(ctx), ...props.environment };
  const custom = props.executeCommand, uploaded = custom !== undefined || content.length > largest;
  const step: WindowsStep = {
    what, validExitCodes: props.validExitCodes, startRetryTimeout: props.startRetryTimeout,
    script: { content, path, environment: props.environment ?? {}, ...(props.inline === undefined ? {} : { commands: props.inline }) },
  };
  const upload = async (): Promise<void> => { if (uploaded) await guest.upload(content, path, { signal: ctx.signal }); };
  if (custom === undefined) return runWindowsStep(step, { text: batchText({ content, path, environment, keep: false, uploaded }) }, guest, ctx, upload);
  const odd = /\.Vars\b/.test(custom) ? Object.entries(environment).find(([, value]) => /["\r\n]/.test(value)) : undefined;
  if (odd !== undefined) throw fail.VARIABLE(odd[0]);
  try { await runWindowsStep(step, { command: fillTemplate(custom, { Path: path, Vars: batchVariables(environment) }) }, guest, ctx, upload); } finally { await removeFiles(guest, [path]); }
}
