import { combine, type PropsOf } from '../../fields.js';
import { field } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';
import { ecrWithout, registryLoginFields } from '../shared/docker.js';

export const dockerPush = postProcessor('docker-push', combine(registryLoginFields, {
  /** Platform to push, where the image has several: `linux/arm64`. */
  platform: field.string({ affects: 'capture' }),
}), {
  outputs: {
    /** The first name and tag that was pushed. */
    reference: field.string({ required: true }),
    /** Digest of the image in its registry: `sha256:…`. With it, `name@digest` is this image for ever. */
    digest: field.string({ required: true }),
  },
});

/** Options of Packer that this post-processor does not have, and why. */
export const dockerPushWithout: { readonly [option: string]: string } = { docker_path: 'The engine is spoken to directly, without the docker program.', ...ecrWithout };

export interface DockerPushPostProcessorProps<O extends string = string> extends PropsOf<typeof dockerPush.fields>, PostProcessorSettings<O> {}
/** Pushes every name and tag that an image got from docker-tag or docker-import to its registry. */
export class DockerPushPostProcessor<const O extends string = never> extends PostProcessor<typeof dockerPush, O> {
  constructor(props: DockerPushPostProcessorProps<O> = {}) { super(dockerPush, props); }
}
