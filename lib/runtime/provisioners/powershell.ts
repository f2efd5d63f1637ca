import { randomUUID } from 'node:crypto';
import type { powershell } from '../../constructs/provisioners/powershell.js';
import type { Resolved } from '../../kinds.js';
import type { Communicator, Context, ProvisionerDriver } from '../driver.js';
import { fillTemplate, templateProblems } from '../formats/go-template.js';
import { eachScript } from '../guest/scripts.js';
import { packerVariables } from '../packer-names.js';
import { largest, markedUtf8, powershellText, variablesFile } from '../guest/windows-script.js';
import { mustBeWindows, removeFiles, runWindowsStep, type WindowsStep } from '../guest/windows-step.js';

type Props = Resolved<typeof powershell>;
const names = ['Vars', 'Path'];

export default {
  effects: 'guest',
  preflight: async props => [...templateProblems(props.executeCommand, names, 'executeCommand'), ...templateProblems(props.elevatedExecuteCommand, names, 'elevatedExecuteCommand')],
  async run(props, guest, ctx) {
    mustBeWindows(guest, 'powershell');
    if (props.inline) return runOne(Buffer.from(`${props.inline.join('\n')}\n`), 'the script', props, guest, ctx);
    await eachScript(props, ctx, (content, what) => runOne(props.binary ? content : markedUtf8(content), what, props, guest, ctx));
  },
} satisfies ProvisionerDriver<typeof powershell>;

async function runOne(content: Buffer, what: string, props: Props, guest: Communicator, ctx: Context): Promise<void> {
  const id = randomUUID().slice(0, 8), path = props.remotePath ?? `C:/Windows/Temp/script-${id}.ps1`, vars = props.remoteEnvVarPath ?? `C:/Windows/Temp/script-${id}-vars.ps1`;
  const environment = { ...packerVariables(ctx), ...props.environment }, uploaded = content.length > largest;
  const step: WindowsStep = {
    what, validExitCodes: props.validExitCodes, startRetryTimeout: props.startRetryTimeout,
    script: { content, path, environment: props.environment ?? {}, ...(props.inline === undefined ? {} : { commands: props.inline }) },
  };
  const template = props.elevatedUser === undefined ? props.executeCommand : props.elevatedExecuteCommand;
  const command = template === undefined ? undefined : fillTemplate(template, { Path: path, Vars: vars });
  const upload = async (): Promise<void> => {
    if (uploaded) await guest.upload(content, path, { signal: ctx.signal });
    if (command === undefined) return;
    await guest.upload(variablesFile(environment), vars, { signal: ctx.signal });
    if (!uploaded && props.elevatedUser === undefined) await guest.upload(props.binary ? content : markedUtf8(content), path, { signal: ctx.signal });
  };
  try {
    if (command !== undefined && props.elevatedUser === undefined) return await runWindowsStep(step, { command }, guest, ctx, upload);
    await runWindowsStep(step, {
      text: powershellText({
        content, path, environment, keep: props.skipClean, uploaded, usePwsh: props.usePwsh, executionPolicy: props.executionPolicy, trace: props.debugMode,
        statementCodes: props.inline && props.checkExitCodes ? props.validExitCodes : undefined,
        ...(props.elevatedUser === undefined ? {} : { elevated: { user: props.elevatedUser, password: props.elevatedPassword, name: `bake-${id}`, command } }),
      }), executionPolicy: props.executionPolicy,
    }, guest, ctx, upload);
  } finally {
    if (command !== undefined && !props.skipClean) await removeFiles(guest, [path, vars]);
  }
}
