import type { compress } from '../../constructs/post-processors/compress.js';
import type { Resolved } from '../../kinds.js';
import { pack, packingOf, packingProblem } from '../compress/pack.js';
import { packedFiles } from '../compress/pieces.js';
import type { Context, PostProcessorDriver } from '../driver.js';
import { packerBuildName } from '../packer-names.js';
import { outputProblem, placeOutput } from '../host/place.js';

export default {
  effects: 'local',
  preflight: async (props, ctx) => [
    ...packingProblem(packingOf(props.format, props.output), 'format'),
    ...[await outputProblem(outputOf(props, ctx), ctx.force, 'output')].filter(problem => problem !== undefined),
  ],
  async run(props, input, ctx) {
    const to = outputOf(props, ctx), packing = packingOf(props.format, props.output), output = await placeOutput(to, ctx);
    const made = await pack(await packedFiles(input.files), packing, output.path, {
      level: props.compressionLevel, signal: ctx.signal, progress: (done, total) => ctx.progress('compressing', done, total, 'bytes'),
    });
    await output.commit();
    const file = { ...made, path: to };
    return { artifact: { madeBy: 'post-processor/compress', id: to, files: [file], data: { format: packing.name }, outputs: { path: to, checksum: file.digest } }, keepInput: 'no' };
  },
} satisfies PostProcessorDriver<typeof compress>;

function outputOf(props: Resolved<typeof compress>, ctx: Context): string {
  const output = props.output ?? `${ctx.programFolder}/packer_{{.BuildName}}_{{.BuilderType}}.${packingOf(props.format, undefined).name}`;
  return ctx.fill(output, { BuildName: packerBuildName(ctx.build), BuilderType: ctx.build.sourceType });
}
