import type { Construct } from 'constructs';
import { field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { Duration, type Ref } from '../../values.js';
import { DataSource, type DataSettings } from '../component.js';

export const commandData = data('command', {
  /** Program and arguments. No shell reads them: `['sh', '-c', '…']` where one is wanted. */
  command: field.list(field.string(), { required: true, check: (value: readonly unknown[]) => (value.length > 0 ? undefined : 'needs a program at least') }),
  /** Set beside the environment that there is. */
  environment: field.map(field.sensitiveString()),
  /** Written to its standard input. */
  input: field.sensitiveString(),
  /**
   * Folder it runs in, relative to the program's.
   * @default the program's folder
   */
  workingDirectory: field.string(),
  /**
   * It is ended, and that is an error, after this time.
   * @default 1 minute
   */
  timeout: field.duration({ default: Duration.minutes(1), affects: 'none' }),
}, {
  packerType: false,
  outputs: {
    /** What it printed, without the newline at the end. */
    stdout: field.string({ required: true }),
    /** What it printed, read as JSON; null where it is none. */
    json: field.json({ required: true }),
  },
});

export interface CommandDataProps extends PropsOf<typeof commandData.fields>, DataSettings {}
/** Runs a program on this computer and takes what it prints. T: what its JSON is. Any exit code but 0 is an error. */
export class CommandData<T = unknown> extends DataSource<typeof commandData> {
  declare readonly outputs: DataSource<typeof commandData>['outputs'] & { readonly json: Ref<T> };
  constructor(scope: Construct, id: string, props: CommandDataProps) { super(scope, id, commandData, props); }
}
