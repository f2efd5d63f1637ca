import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';
import { repositoryProblem, tagProblem } from '../shared/docker.js';

export const dockerImport = postProcessor('docker-import', {
  /** Name for the image, with its registry where it is to be pushed: `registry.example:5000/team/app`. */
  repository: field.string({ required: true, affects: 'capture', check: repositoryProblem }),
  /** Tag for the image; the engine's `latest` when left out. */
  tag: field.string({ affects: 'capture', check: (tag: string) => tagProblem([tag]) }),
  /** The image's configuration, as lines of a Dockerfile: `CMD ["/app"]`. */
  changes: field.list(field.string(), { affects: 'capture' }),
  /** Platform to write into the image: `linux/arm64`. */
  platform: field.string({ affects: 'capture' }),
  /** Address of the engine; where left out, DOCKER_HOST, then the current context, then the usual sockets. */
  dockerHost: field.string({ packerName: false, affects: 'none' }),
}, {
  outputs: {
    /** The image's name and tag. */
    reference: field.string({ required: true }),
    /** Id of the image: `sha256:…`. */
    imageId: field.string({ required: true }),
  },
});

/** Options of Packer that this post-processor does not have, and why. */
export const dockerImportWithout: { readonly [option: string]: string } = { docker_path: 'The engine is spoken to directly, without the docker program.' };

export interface DockerImportPostProcessorProps<O extends string = string> extends PropsOf<typeof dockerImport.fields>, PostProcessorSettings<O> {}
/** Makes an image of a tar with a root file system, such as a docker source's exportPath. */
export class DockerImportPostProcessor<const O extends string = never> extends PostProcessor<typeof dockerImport, O> {
  constructor(props: DockerImportPostProcessorProps<O>) { super(dockerImport, props); }
}
