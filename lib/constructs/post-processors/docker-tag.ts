import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';
import { repositoryProblem, tagProblem } from '../shared/docker.js';

export const dockerTag = postProcessor('docker-tag', {
  /** Name for the image, with its registry where it is to be pushed: `registry.example:5000/team/app`. */
  repository: field.string({ required: true, affects: 'capture', check: repositoryProblem }),
  /**
   * Tags for the image.
   * @default ['latest']
   */
  tags: field.list(field.string(), { default: ['latest'], affects: 'capture', check: tagProblem }),
  /** Accepted for templates of Packer; a tag always moves to the new image. */
  force: field.boolean({ affects: 'none' }),
}, {
  outputs: {
    /** The first name and tag: `registry.example:5000/team/app:1.2`. */
    reference: field.string({ required: true }),
    /** Every name and tag. */
    references: field.list(field.string(), { required: true }),
    /** Id of the image: `sha256:…`. */
    imageId: field.string({ required: true }),
  },
});

/** Options of Packer that this post-processor does not have, and why. */
export const dockerTagWithout: { readonly [option: string]: string } = {
  docker_path: 'The engine is spoken to directly, without the docker program.',
  tag: 'An old name of tags.',
};

export interface DockerTagPostProcessorProps<O extends string = string> extends PropsOf<typeof dockerTag.fields>, PostProcessorSettings<O> {}
/** Gives an image of the container engine a name and tags. The image itself is always kept. */
export class DockerTagPostProcessor<const O extends string = never> extends PostProcessor<typeof dockerTag, O> {
  constructor(props: DockerTagPostProcessorProps<O>) { super(dockerTag, props); }
}
