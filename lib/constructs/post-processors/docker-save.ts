import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';

export const dockerSave = postProcessor('docker-save', {
  /** Where the tar goes, for `docker load`. */
  path: field.outputPath({ required: true }),
}, {
  outputs: {
    /** Where the tar lies. */
    path: field.path({ required: true }),
  },
});

/** Options of Packer that this post-processor does not have, and why. */
export const dockerSaveWithout: { readonly [option: string]: string } = { docker_path: 'The engine is spoken to directly, without the docker program.' };

export interface DockerSavePostProcessorProps<O extends string = string> extends PropsOf<typeof dockerSave.fields>, PostProcessorSettings<O> {}
/** Writes an image of the container engine, with its layers and names, into a tar. */
export class DockerSavePostProcessor<const O extends string = never> extends PostProcessor<typeof dockerSave, O> {
  constructor(props: DockerSavePostProcessorProps<O>) { super(dockerSave, props); }
}
