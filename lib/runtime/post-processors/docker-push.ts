import type { dockerPush } from '../../constructs/post-processors/docker-push.js';
import { errors } from '../../errors.js';
import { registryOf, storedCredentials } from '../docker/credentials.js';
import { follow } from '../docker/images.js';
import { firstName, imageArtifact, imageOf } from '../docker/named-image.js';
import type { PostProcessorDriver } from '../driver.js';

const fail = errors('DOCKER_PUSH', {
  REFUSED: { message: (reference: string, why: string) => `${reference} cannot be pushed: ${why}`, remedy: 'Look at the name and at your rights there; sign in with `docker login`, or set login, loginUsername and loginPassword.' },
});

export default {
  effects: 'outside',
  async run(props, input, ctx) {
    const image = await imageOf(input), first = firstName(image);
    let digest: string | undefined;
    for (const reference of image.references) {
      const own = props.login === true ? { username: props.loginUsername ?? '', password: props.loginPassword ?? '', serveraddress: props.loginServer ?? registryOf(reference) } : undefined;
      const authconfig = own ?? await storedCredentials(reference) ?? { serveraddress: registryOf(reference) };
      if (authconfig.password !== undefined) ctx.secret(authconfig.password);
      const at = reference.lastIndexOf(':'), name = reference.slice(0, at), tag = reference.slice(at + 1);
      await follow(image.engine, `push ${reference}`, ctx, d => d.getImage(name).push({ tag, authconfig, abortSignal: ctx.signal, ...(props.platform === undefined ? {} : { platform: props.platform }) }), why => fail.REFUSED(reference, why), message => {
        if (reference === first && message.aux?.Digest !== undefined) digest = message.aux.Digest;
      });
      ctx.note(`pushed ${reference}`);
    }
    if (digest === undefined) throw fail.REFUSED(first, 'the registry named no digest');
    return { artifact: imageArtifact('post-processor/docker-push', image, { reference: first, digest }), keepInput: 'yes' };
  },
} satisfies PostProcessorDriver<typeof dockerPush>;
