import { resolve } from 'node:path';
import type { commandData } from '../../constructs/data/command.js';
import type { DataDriver } from '../driver.js';
import { capture } from '../host/process.js';
import { jsonOrNull } from '../formats/json-or-null.js';

export default {
  async read(props, ctx) {
    const [program, ...args] = props.command;
    const printed = await capture(program!, args, {
      cwd: resolve(ctx.programFolder, props.workingDirectory ?? '.'), env: { ...ctx.environment, ...props.environment }, signal: ctx.signal, timeout: props.timeout.$duration,
      ...(props.input === undefined ? {} : { stdin: props.input }),
    });
    return { stdout: printed.replace(/\r?\n$/, ''), json: jsonOrNull(printed) };
  },
} satisfies DataDriver<typeof commandData>;
