/** Looks, before anything is made: credentials, source image, network, free names, and by dry runs whether the calls to come are allowed. */
import type { Image } from '@aws-sdk/client-ec2';
import type { ResolvedOf } from '../../fields.js';
import type { AwsImageFields } from '../../constructs/shared/aws-image.js';
import { errors, problemData } from '../../errors.js';
import type { Context, PreflightProblem } from '../driver.js';
import type { SshProps } from '../communicators/open.js';
import type { HostProps } from './host.js';
import { type ImageProps, imagesNamed, regionsOf } from './images.js';
import { launchData, runInput } from './instance.js';
import { markTags, newMark, ownerOf, tagsFor, tagsOf } from './marks.js';
import { findPlace, type Place } from './network.js';
import { actionsOf } from './policy.js';
import { denial, probe, saidOf } from './probes.js';
import { awsCode } from './refusals.js';
import { accessOf, keysOf, openSession, type Session } from './session.js';
import { checkVirtualization, findSourceImage } from './source-image.js';
import { checkPlugin } from './tunnel.js';

const fail = errors('AMI', {
  NAME_TAKEN: {
    message: (name: string, region: string, id: string) => `There is an image '${name}' in ${region} already: ${id}.`,
    remedy: 'Put a version or text`…${timestamp()}` into amiName, or set forceDeregister.',
    explain: 'EC2 takes each name once in an account and region, and would say so only after the whole build.',
  },
});
/** What RunInstances says of values that it will not take, whenever it is asked. */
const wrongValue = /^(Invalid|MissingParameter|VPCIdNotSpecified)|NotFound|Malformed|NotSupported/;

export async function preflightImage(driver: string, props: HostProps & Partial<ImageProps> & { readonly skipCreateAmi?: boolean }, ctx: Context): Promise<readonly PreflightProblem[]> {
  const problems: PreflightProblem[] = [];
  const session = openSession(accessOf(props), { keys: keysOf(props), signal: ctx.signal, run: ctx.run.id });
  const attempt = async <T>(field: string | undefined, work: () => Promise<T>): Promise<T | undefined> => {
    try { return await work(); } catch (error) {
      if (ctx.signal.aborted) throw error;
      problems.push(problemOf(error, field));
      return undefined;
    }
  };
  try {
    const who = await attempt(undefined, async () => (await session.sts('GetCallerIdentity', {})).Arn ?? 'somebody');
    if (who === undefined) return problems;
    ctx.note(`On AWS as ${who}, in ${session.region}.`);
    const known = props.sourceAmi !== undefined || props.sourceAmiFilter !== undefined || props.from !== undefined;
    const [image, place] = await Promise.all([
      known ? attempt('sourceAmi', async () => { const found = await findSourceImage(session, props); checkVirtualization(found, props.amiVirtualizationType); return found; }) : undefined,
      attempt('subnetId', () => findPlace(session, props)),
      ...(props.sshInterface === 'session_manager' ? [attempt('sshInterface', checkPlugin)] : []),
      ...(props.amiName === undefined || props.skipCreateAmi ? [] : regionsOf(props as ResolvedOf<AwsImageFields>, session.region).map(region => attempt('amiName', async () => {
        const taken = (await imagesNamed(session.in(region), props.amiName!))[0];
        // Made by an earlier run of the same inputs: it is what this run goes on from.
        if (taken === undefined || props.forceDeregister || ctx.force || (ctx.key !== undefined && tagsOf(taken.Tags)[markTags.key] === ctx.key)) return;
        throw fail.NAME_TAKEN(props.amiName!, region, taken.ImageId!);
      }))),
    ]);
    if (place !== undefined) {
      const { forbidden, said } = await dryRuns(driver, session, props, image, place, ctx);
      if (forbidden.length > 0) problems.push(problemOf(await denial(session, forbidden), undefined));
      for (const one of said) {
        if (one.action === 'ec2:RunInstances' && wrongValue.test(awsCode(one.error) ?? '')) problems.push(problemOf(one.error, undefined));
        else ctx.note(saidOf(one), { detail: true });
      }
    }
    return unique(problems);
  } finally {
    session.close();
  }
}

/** Every call to come that can be asked for now. What is set on images is asked for where an earlier one of this target stands. */
async function dryRuns(driver: string, session: Session, props: HostProps & Partial<ImageProps>, image: (Image & { readonly ImageId: string }) | undefined, place: Place, ctx: Context) {
  const actions = Object.keys(actionsOf({ kind: driver, props })), type = props.instanceType ?? props.spotInstanceTypes?.[0];
  const launch = image === undefined || type === undefined ? undefined
    : runInput(props.spotInstanceTypes === undefined ? props : { spotPrice: 'auto' }, await launchData(props, { image, place, groups: place.groups ?? [], keyName: (props.ssh as SshProps | undefined)?.keypairName, profile: props.iamInstanceProfile }), type as never);
  const { Images = [] } = await session.ec2('DescribeImages', { Owners: ['self'], Filters: [{ Name: `tag:${markTags.target}`, Values: [ctx.target] }] });
  return probe(session, actions, {
    image, launch, vpcId: place.vpcId, tags: tagsFor(ownerOf(ctx, props.expiresAfter.$duration), newMark(), 'imagebake', props.runTags), regions: (props.amiRegions ?? []).filter(region => region !== session.region), earlier: Images[0],
  }, ['ec2:DescribeImages']);
}

function problemOf(error: unknown, field: string | undefined): PreflightProblem {
  return { ...problemData(error, 'AWS'), ...(field === undefined ? {} : { field }) };
}
const unique = (problems: readonly PreflightProblem[]): PreflightProblem[] => [...new Map(problems.map(p => [`${p.code} ${p.message}`, p])).values()];
