import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';

export const manifest = postProcessor('manifest', {
  /**
   * Where the manifest is written. One that is there is added to; with force, that of another run is begun anew.
   * @default 'packer-manifest.json'
   */
  output: field.outputPath({ default: 'packer-manifest.json' }),
  /**
   * Names files without their folders.
   * @default false
   */
  stripPath: field.boolean({ default: false, affects: 'capture' }),
  /**
   * Leaves the time of the build out.
   * @default false
   */
  stripTime: field.boolean({ default: false, affects: 'capture' }),
  /** Anything else to write beside the build. */
  customData: field.map(field.string(), { affects: 'capture' }),
});

export interface ManifestPostProcessorProps<O extends string = string> extends PropsOf<typeof manifest.fields>, PostProcessorSettings<O> {}
/** Writes down what was built, in the format of Packer's manifest. The artifact passes through and is always kept. */
export class ManifestPostProcessor<const O extends string = never> extends PostProcessor<typeof manifest, O> {
  constructor(props: ManifestPostProcessorProps<O> = {}) { super(manifest, props); }
}
