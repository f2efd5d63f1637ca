import type { shellLocalPostProcessor } from '../../constructs/post-processors/shell-local.js';
import type { PostProcessorDriver } from '../driver.js';
import { runHostScripts, scriptProblems } from '../host/script.js';

export default {
  effects: 'outside',
  preflight: async props => scriptProblems(props),
  run: async (props, input, ctx) => {
    await runHostScripts(props, ctx, { BAKE_ARTIFACT_ID: input.id, BAKE_ARTIFACT_FILES: input.files.map(f => f.path).join('\n') });
    return { artifact: input, keepInput: 'must' };
  },
} satisfies PostProcessorDriver<typeof shellLocalPostProcessor>;
