import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { must } from '../../rules.js';
import { Source, type SourceSettings } from '../component.js';
import { sshFields } from '../shared/ssh.js';
import { winrmChosenRules, winrmFields } from '../shared/winrm.js';

export const nullSource = source('null', combine(sshFields, winrmFields, {
  /** How steps reach the machine: `ssh`; `winrm`; `local`, they run on this computer; `none`, only steps of this computer's own (shell-local) can run. Left out: `ssh` or `winrm` where that is given, else `none`. */
  communicator: field.oneOf(['none', 'ssh', 'winrm', 'local'], { affects: 'none' }),
}), {
  rules: [
    ...winrmChosenRules,
    must(['ssh', 'winrm', 'communicator'], 'ssh with ssh.host, winrm with winrm.host, or another communicator', (isSet, valueOf) => {
      const how = isSet('communicator') ? valueOf('communicator') : undefined;
      if (how === 'ssh' && !isSet('ssh')) return "has the communicator 'ssh', and no ssh settings";
      if (isSet('winrm') && typeof (valueOf('winrm') as { readonly host?: unknown } | null) === 'object' && (valueOf('winrm') as { readonly host?: unknown }).host === undefined) return 'has winrm settings without a host: nothing is started here that could tell its address';
      if (isSet('ssh') && (how === 'none' || how === 'local')) return `has ssh settings, and the communicator '${how}', which does not use them`;
      return isSet('ssh') && (valueOf('ssh') as { readonly host?: unknown }).host === undefined ? 'has ssh settings without a host: nothing is started here that could tell its address' : undefined;
    }),
  ],
});

export interface NullSourceProps<N extends string = string> extends PropsOf<typeof nullSource.fields>, SourceSettings<N> {}
/** Starts nothing and makes nothing: for steps on a machine that is there already, and for trying steps out. */
export class NullSource<const N extends string = 'null'> extends Source<typeof nullSource, N> {
  constructor(props: NullSourceProps<N> = {}) { super(nullSource, props as NullSourceProps<N>); }
}
