/** Looks, before anything is made: credentials, source image, network, free names, and by dry runs whether the calls to come are allowed. */
import type { Image, ResourceType } from '@aws-sdk/client-ec2';
import type { ResolvedOf } from '../../fields.js';
import type { AwsImageFields } from '../../constructs/shared/aws-image.js';
import { errors, messageOf, problemData } from '../../errors.js';
import type { Context, PreflightProblem } from '../driver.js';
import { sshKeyPair } from '../ssh-key.js';
import { type HostProps, needsKey } from './host.js';
import { type ImageProps, imagesNamed, regionsOf } from './images.js';
import { defined, launchData, runInput } from './instance.js';
import { markTags, newMark, ownerOf, specifications, tagsFor, tagsOf } from './marks.js';
import { findPlace, type Place } from './network.js';
import { awsCode, isDenied } from './refusals.js';
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
const denied = errors('AWS', {
  ACTIONS_DENIED: {
    message: (who: string, actions: string) => `${who} may not do what this build needs: ${actions}.`,
    remedy: 'Allow these actions. `bake policy aws` prints the least policy for the program.',
  },
});

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
      const forbidden = await dryRuns(session, props, image, place, ctx);
      if (forbidden.length > 0) problems.push(problemOf(denied.ACTIONS_DENIED(who, forbidden.join(', ')), undefined));
    }
    return unique(problems);
  } finally {
    session.close();
  }
}

/** Each call that makes something, as a dry run: the names of those that are not allowed. */
async function dryRuns(session: Session, props: HostProps & Partial<ImageProps>, image: (Image & { readonly ImageId: string }) | undefined, place: Place, ctx: Context): Promise<string[]> {
  const tags = tagsFor(ownerOf(ctx, props.expiresAfter.$duration), newMark(), 'imagebake', props.runTags), DryRun = true;
  const probes: Promise<unknown>[] = [];
  const ssh = props.ssh;
  if (ssh !== undefined && needsKey(ssh as never)) {
    probes.push(session.ec2('ImportKeyPair', { DryRun, KeyName: `imagebake-${newMark()}`, PublicKeyMaterial: Buffer.from(sshKeyPair('dry run').publicKey), TagSpecifications: specifications(['key-pair'], tags) }));
  }
  if (place.groups === undefined) {
    probes.push(session.ec2('CreateSecurityGroup', defined({ DryRun, GroupName: `imagebake-${newMark()}`, Description: 'dry run', VpcId: place.vpcId, TagSpecifications: specifications<ResourceType>(['security-group'], tags) })));
  }
  if (image !== undefined && props.instanceType !== undefined) {
    const launch = await launchData(props, { image, place, groups: place.groups ?? [], keyName: undefined, profile: props.iamInstanceProfile });
    probes.push(session.ec2('RunInstances', { ...runInput(props, launch, props.instanceType as never), DryRun, TagSpecifications: specifications(['instance', 'volume', 'network-interface'], tags) }));
    for (const region of props.amiRegions ?? []) if (region !== session.region) {
      probes.push(session.in(region).ec2('CopyImage', { DryRun, SourceImageId: image.ImageId, SourceRegion: session.region, Name: `imagebake-${newMark()}`, TagSpecifications: specifications(['image', 'snapshot'], tags) }));
    }
  }
  const answers = await Promise.allSettled(probes);
  const forbidden = answers.flatMap(a => (a.status === 'rejected' && isDenied(a.reason) ? [String((a.reason as { facts: { action: unknown } }).facts.action)] : []));
  for (const a of answers) if (a.status === 'rejected' && awsCode(a.reason) !== 'DryRunOperation' && !isDenied(a.reason)) ctx.note(`A dry run says: ${messageOf(a.reason)}`, { detail: true });
  return [...new Set(forbidden)].sort();
}

function problemOf(error: unknown, field: string | undefined): PreflightProblem {
  return { ...problemData(error, 'AWS'), ...(field === undefined ? {} : { field }) };
}
const unique = (problems: readonly PreflightProblem[]): PreflightProblem[] => [...new Map(problems.map(p => [`${p.code} ${p.message}`, p])).values()];
