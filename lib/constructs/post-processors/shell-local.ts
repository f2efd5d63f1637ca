import type { PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';
import { shellLocalFields, shellLocalRules } from '../shared/shell-local.js';

export const shellLocalPostProcessor = postProcessor('shell-local', shellLocalFields, { rules: shellLocalRules });

export interface ShellLocalPostProcessorProps<O extends string = string> extends PropsOf<typeof shellLocalPostProcessor.fields>, PostProcessorSettings<O> {}
/** Runs a script on this computer, in the program's folder, when the artifact is there. The artifact passes through. */
export class ShellLocalPostProcessor<const O extends string = never> extends PostProcessor<typeof shellLocalPostProcessor, O> {
  constructor(props: ShellLocalPostProcessorProps<O>) { super(shellLocalPostProcessor, props); }
}
