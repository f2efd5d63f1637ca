import type { dockerSave } from '../../constructs/post-processors/docker-save.js';
import { imageArtifact, imageOf, saveStream } from '../docker/named-image.js';
import type { PostProcessorDriver } from '../driver.js';
import { outputProblem } from '../host/place.js';

export default {
  effects: 'local',
  preflight: async (props, ctx) => [await outputProblem(props.path, ctx.force, 'path')].filter(problem => problem !== undefined),
  async run(props, input, ctx) {
    const image = await imageOf(input);
    const names = image.references.length > 0 ? image.references : [image.id];
    // dockerode can ask for one name only.
    const stream = await image.engine.call('save the image', d => new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      d.modem.dial({ path: '/images/get?', options: { names }, method: 'GET', isStream: true, statusCodes: { 200: true, 404: 'no such image', 500: 'server error' }, abortSignal: ctx.signal } as never, (error, answer) => (error ? reject(error) : resolve(answer as NodeJS.ReadableStream)));
    }), ctx.signal);
    const file = await image.engine.call('save the image', () => saveStream(props.path, stream, ctx), ctx.signal);
    return { artifact: { ...imageArtifact('post-processor/docker-save', image, { path: file.path }), id: file.path, files: [file] }, keepInput: 'yes' };
  },
} satisfies PostProcessorDriver<typeof dockerSave>;
