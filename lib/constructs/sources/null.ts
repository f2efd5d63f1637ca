import { field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { Source, type SourceSettings } from '../component.js';

export const nullSource = source('null', {
  /** How steps reach the machine. `local`: they run on this computer; `none`: only steps on this computer's own behalf (shell-local) can run. */
  communicator: field.oneOf(['none', 'local'], { default: 'none', affects: 'none' }),
});

export interface NullSourceProps<N extends string = string> extends PropsOf<typeof nullSource.fields>, SourceSettings<N> {}
/** Starts nothing and makes nothing: for steps on a machine that is there already, and for trying steps out. */
export class NullSource<const N extends string = 'null'> extends Source<typeof nullSource, N> {
  constructor(props: NullSourceProps<N> = {}) { super(nullSource, props as NullSourceProps<N>); }
}
