import { createReadStream } from 'node:fs';
import type Dockerode from 'dockerode';
import type { dockerImport } from '../../constructs/post-processors/docker-import.js';
import { errors } from '../../errors.js';
import { checkEngine, openEngine } from '../docker/engine.js';
import { follow, inspectImage } from '../docker/images.js';
import { imageArtifact, isImageThere } from '../docker/named-image.js';
import type { PostProcessorDriver } from '../driver.js';

const fail = errors('DOCKER_IMPORT', {
  NO_FILE: { message: (madeBy: string, count: number) => `docker-import takes one tar, and what ${madeBy.replace('/', ' ')} made has ${count} files.`, remedy: 'Let it follow a docker source with exportPath, or another that makes one tar.' },
  REFUSED: { message: (file: string, why: string) => `${file} cannot be imported: ${why}` },
});
type Import = (file: NodeJS.ReadableStream, options: object) => Promise<NodeJS.ReadableStream>;

export default {
  effects: 'local',
  present: isImageThere,
  preflight: async props => (await checkEngine(props.dockerHost)).problems,
  async run(props, input, ctx) {
    const [file] = input.files;
    if (file === undefined || input.files.length !== 1) throw fail.NO_FILE(input.madeBy, input.files.length);
    const engine = await openEngine(props.dockerHost), tag = props.tag ?? 'latest', reference = `${props.repository}:${tag}`;
    const stream = createReadStream(file.path);
    const options = { repo: props.repository, tag, ...(props.changes ? { changes: [...props.changes] } : {}), ...(props.platform === undefined ? {} : { platform: props.platform }), abortSignal: ctx.signal };
    let id: string | undefined;
    try {
      await follow(engine, `import ${file.path}`, ctx, (d: Dockerode) => (d.importImage as unknown as Import).call(d, stream, options), why => fail.REFUSED(file.path, why), message => {
        if (message.status?.startsWith('sha256:')) id = message.status;
      });
    } finally { stream.destroy(); }
    id = (await inspectImage(engine, reference))?.Id ?? id;
    if (id === undefined) throw fail.REFUSED(file.path, 'the engine does not have it afterwards');
    ctx.note(`imported as ${reference}`);
    return { artifact: imageArtifact('post-processor/docker-import', { engine, id, references: [reference] }, { reference, imageId: id }), keepInput: 'no' };
  },
} satisfies PostProcessorDriver<typeof dockerImport>;
