import type { ssmParameter } from '../../constructs/post-processors/ssm-parameter.js';
import { errors } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import { type Access, accessOf, keysOf, openSession } from '../aws/session.js';
import { ssmOf } from '../aws/ssm.js';
import type { Artifact, PostProcessorDriver } from '../driver.js';

const fail = errors('PARAMETER', {
  NO_IMAGE: { message: (region: string, madeBy: string) => `What ${madeBy} made has no image${region === '' ? '' : ` in ${region}`} whose id could be written.`, remedy: 'ssm-parameter follows a build of AMIs; name only regions that the image is in (amiRegions).' },
});
type Props = Resolved<typeof ssmParameter>;

export default {
  effects: 'outside',
  async run(props, input, ctx) {
    const amis = (input.data['amis'] ?? {}) as { readonly [region: string]: string }, regions = props.regions ?? Object.keys(amis).sort();
    if (regions.length === 0) throw fail.NO_IMAGE('', input.madeBy);
    const missing = regions.find(region => amis[region] === undefined);
    if (missing !== undefined) throw fail.NO_IMAGE(missing, input.madeBy);
    const session = openSession(accessFor(props, input, regions[0]!), { keys: keysOf({ ...props, region: '' }), signal: ctx.signal, run: ctx.run.id, note: message => ctx.note(message) });
    try {
      const versions = Object.fromEntries(await Promise.all(regions.map(async region => {
        const { Version } = await ssmOf(session.in(region))('PutParameter', {
          Name: props.parameter, Value: amis[region]!, Type: 'String', Overwrite: props.overwrite, ...(props.checked ? { DataType: 'aws:ec2:image' } : {}), ...(props.description === undefined ? {} : { Description: props.description }),
        });
        ctx.note(`${props.parameter} in ${region} is ${amis[region]}.`);
        return [region, Version ?? 0] as const;
      })));
      return { artifact: { madeBy: 'post-processor/ssm-parameter', id: props.parameter, files: [], data: input.data, outputs: { parameter: props.parameter, versions } }, keepInput: 'must' };
    } finally { session.close(); }
  },
} satisfies PostProcessorDriver<typeof ssmParameter>;

/** As whom the image was made, unless something else is said. */
function accessFor(props: Props, input: Artifact, region: string): Access {
  const own = accessOf({ ...props, region }), made = input.data['access'] as Access | undefined;
  return props.profile !== undefined || props.accessKey !== undefined || props.assumeRole !== undefined || made === undefined ? own : { ...made, region };
}
