import type { dockerTag } from '../../constructs/post-processors/docker-tag.js';
import { imageArtifact, imageOf, isImageThere } from '../docker/named-image.js';
import type { PostProcessorDriver } from '../driver.js';

export default {
  effects: 'local',
  present: isImageThere,
  async run(props, input, ctx) {
    ctx.signal.throwIfAborted();
    const { engine, id, references: before } = await imageOf(input);
    for (const tag of props.tags) await engine.call(`tag the image ${props.repository}:${tag}`, d => d.getImage(id).tag({ repo: props.repository, tag }), ctx.signal);
    const references = props.tags.map(tag => `${props.repository}:${tag}`);
    ctx.note(`tagged ${references.join(', ')}`);
    const artifact = imageArtifact('post-processor/docker-tag', { engine, id, references: [...references, ...before] }, { reference: references[0]!, references, imageId: id });
    // Packer's manifests name it by the last tag. To remove the image would take the name away again.
    return { artifact: { ...artifact, id: references.at(-1)! }, keepInput: 'must' };
  },
} satisfies PostProcessorDriver<typeof dockerTag>;
