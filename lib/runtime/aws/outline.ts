/** What a build would make on AWS, where and as whom, for a person to read beforehand. */
import { messageOf } from '../../errors.js';
import { imagesNamed, type ImageProps, regionsOf } from './images.js';
import type { HostProps } from './host.js';
import type { Session } from './session.js';
import { findSourceImage } from './source-image.js';

export async function outline(session: Session, props: HostProps & ImageProps & { readonly skipCreateAmi?: boolean }): Promise<readonly string[]> {
  const said = (work: Promise<string>): Promise<string> => work.catch(error => `not known: ${messageOf(error)}`);
  const [who, source] = await Promise.all([
    said(session.sts('GetCallerIdentity', {}).then(me => me.Arn ?? 'somebody')),
    props.sourceAmi === undefined && props.sourceAmiFilter === undefined ? 'an image that is built first' : said(findSourceImage(session, props).then(i => `${i.ImageId} (${i.Name ?? 'without a name'})`)),
  ]);
  const machine = props.spotInstanceTypes?.length ? `a spot instance (${props.spotInstanceTypes.join(', ')})` : `${props.spotPrice === undefined ? 'an instance' : 'a spot instance'} (${[props.instanceType, ...props.fallbackInstanceTypes ?? []].join(', else ')})`;
  const lines = [`as ${who}`, `starts ${machine} in ${session.region} from ${source}`];
  if (props.skipCreateAmi) return [...lines, 'makes no image'];
  const regions = regionsOf(props, session.region), encrypted = (region: string): string => {
    const key = region === session.region ? props.kmsKeyId : props.regionKmsKeyIds?.[region];
    return props.encryptBoot || key !== undefined ? `, encrypted with ${key || 'the region\'s own key'}` : '';
  };
  lines.push(`makes the image ${props.amiName === undefined ? 'with a name that is known then' : `'${props.amiName}'`} in ${regions.map(region => region + encrypted(region)).join('; ')}`);
  const shared = [...props.amiUsers ?? [], ...props.amiGroups ?? [], ...props.amiOrgArns ?? [], ...props.amiOuArns ?? []];
  if (shared.length > 0) lines.push(`shares it with ${shared.join(', ')}`);
  if (props.forceDeregister && props.amiName !== undefined) {
    const old = (await Promise.all(regions.map(async region => (await imagesNamed(session.in(region), props.amiName).catch(() => [])).map(i => `${i.ImageId} in ${region}`)))).flat();
    if (old.length > 0) lines.push(`takes the name from ${old.join(', ')}`);
  }
  if (props.retention !== undefined) lines.push(`keeps the newest ${props.retention.keep} of '${props.retention.family}'`);
  return lines;
}
