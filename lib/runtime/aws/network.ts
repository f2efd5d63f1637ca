/** Where an instance runs and who may reach it: subnet, security groups, and a temporary group that lets in only this computer. */
import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { errors, messageOf } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import { retry, soon } from '../retry.js';
import { type Maker, make } from './making.js';
import { specifications } from './marks.js';
import type { Session } from './session.js';

const fail = errors('NETWORK', {
  NOT_ONE: {
    message: (count: number, what: string, filter: string, region: string) => `${count === 0 ? 'No' : count} ${what} in ${region} fit${count === 0 ? 's' : ''} ${filter}.`,
    remedy: (count: number, what: string) => (count === 0 ? 'Look at the filters, and at the region.' : `Make the filters narrower: exactly one ${what.replace(/s$/, '')} must fit${what === 'subnets' ? ', unless mostFree or random is set' : ''}.`),
  },
  NO_VPC: { message: (region: string) => `There is no default VPC in ${region}, and the source names none.`, remedy: 'Name a subnetId, a subnetFilter or a vpcId.' },
  OWN_ADDRESS: {
    message: (url: string, why: string) => `This computer's public address is not known: ${url} ${why}.`,
    remedy: 'Name the addresses that may connect (temporarySecurityGroupSourceCidrs), or security groups of your own.',
    explain: 'The temporary security group lets in only the computer that builds. Opening it to the whole Internet is never the default.',
  },
});

type Props = Pick<ResolvedOf<AwsInstanceFields>, 'vpcId' | 'vpcFilter' | 'subnetId' | 'subnetFilter' | 'availabilityZone' | 'securityGroupId' | 'securityGroupIds' | 'securityGroupFilter' | 'temporarySecurityGroupSourceCidrs' | 'temporarySecurityGroupSourcePublicIp' | 'publicAddressUrl' | 'sshInterface'>;

export interface Place {
  readonly vpcId?: string; readonly subnetId?: string;
  /** Undefined: a temporary one is to be made. */
  readonly groups?: readonly string[];
}
const asFilters = (filters: { readonly [name: string]: string }): { Name: string; Values: string[] }[] => Object.entries(filters).map(([Name, value]) => ({ Name, Values: [value] }));

/** Finds what the source names. Changes nothing. Throws NETWORK_… errors. */
export async function findPlace(session: Session, props: Props): Promise<Place> {
  let { vpcId, subnetId } = props;
  if (props.vpcFilter !== undefined) {
    const { Vpcs = [] } = await session.ec2('DescribeVpcs', { Filters: asFilters(props.vpcFilter.filters) });
    if (Vpcs.length !== 1) throw fail.NOT_ONE(Vpcs.length, 'VPCs', JSON.stringify(props.vpcFilter.filters), session.region);
    vpcId = Vpcs[0]!.VpcId!;
  }
  if (props.subnetFilter !== undefined) {
    const { filters, mostFree, random } = props.subnetFilter;
    const { Subnets = [] } = await session.ec2('DescribeSubnets', {
      Filters: [...asFilters(filters), ...(vpcId === undefined ? [] : [{ Name: 'vpc-id', Values: [vpcId] }]), ...(props.availabilityZone === undefined ? [] : [{ Name: 'availability-zone', Values: [props.availabilityZone] }])],
    });
    const sorted = [...Subnets].sort((a, b) => (b.AvailableIpAddressCount ?? 0) - (a.AvailableIpAddressCount ?? 0));
    if (sorted.length === 0 || (sorted.length > 1 && !mostFree && !random)) throw fail.NOT_ONE(sorted.length, 'subnets', JSON.stringify(filters), session.region);
    const chosen = random && !mostFree ? sorted[Math.floor(Math.random() * sorted.length)]! : sorted[0]!;
    subnetId = chosen.SubnetId!;
    vpcId = chosen.VpcId;
  }
  const groups = await groupsOf(session, props, vpcId);
  if (groups === undefined && vpcId === undefined && subnetId !== undefined) {
    vpcId = (await session.ec2('DescribeSubnets', { SubnetIds: [subnetId] })).Subnets?.[0]?.VpcId;
  }
  return { ...(vpcId === undefined ? {} : { vpcId }), ...(subnetId === undefined ? {} : { subnetId }), ...(groups === undefined ? {} : { groups }) };
}

async function groupsOf(session: Session, props: Props, vpcId: string | undefined): Promise<readonly string[] | undefined> {
  if (props.securityGroupId !== undefined) return [props.securityGroupId];
  if (props.securityGroupIds !== undefined && props.securityGroupIds.length > 0) return props.securityGroupIds;
  if (props.securityGroupFilter === undefined) return undefined;
  const { SecurityGroups = [] } = await session.ec2('DescribeSecurityGroups', { Filters: [...asFilters(props.securityGroupFilter.filters), ...(vpcId === undefined ? [] : [{ Name: 'vpc-id', Values: [vpcId] }])] });
  if (SecurityGroups.length === 0) throw fail.NOT_ONE(0, 'security groups', JSON.stringify(props.securityGroupFilter.filters), session.region);
  return SecurityGroups.map(g => g.GroupId!);
}

/** A security group for this run, open for one port from `cidrs`. */
export async function temporaryGroup(maker: Maker, vpcId: string | undefined, port: number, cidrs: readonly string[]): Promise<string> {
  const { session } = maker;
  const vpc = vpcId ?? (await session.ec2('DescribeVpcs', { Filters: [{ Name: 'is-default', Values: ['true'] }] })).Vpcs?.[0]?.VpcId;
  if (vpc === undefined) throw fail.NO_VPC(session.region);
  const made = await make(maker, 'security-group', { name: `imagebake ${maker.owner.target}` }, async (tags, mark) => {
    const { GroupId } = await session.ec2('CreateSecurityGroup', {
      GroupName: `imagebake-${mark}`, Description: 'Made by imagebake for one build', VpcId: vpc, TagSpecifications: specifications(['security-group'], tags()),
    }, { once: true });
    return { id: GroupId!, value: undefined };
  });
  if (cidrs.length > 0) {
    await session.ec2('AuthorizeSecurityGroupIngress', {
      GroupId: made.id,
      IpPermissions: [{
        IpProtocol: 'tcp', FromPort: port, ToPort: port,
        IpRanges: cidrs.filter(c => !c.includes(':')).map(CidrIp => ({ CidrIp })), Ipv6Ranges: cidrs.filter(c => c.includes(':')).map(CidrIpv6 => ({ CidrIpv6 })),
      }],
    }, { fresh: true });
  }
  maker.ctx.note(cidrs.length > 0 ? `Security group ${made.id} lets in ${cidrs.join(', ')} to port ${port}.` : `Security group ${made.id} lets nobody in.`);
  return made.id;
}

/** Where connections to the instance will come from. */
export async function ingress(props: Props, signal: AbortSignal): Promise<readonly string[]> {
  if (props.temporarySecurityGroupSourceCidrs !== undefined) return props.temporarySecurityGroupSourceCidrs;
  // The session manager's agent connects outwards: nobody needs to come in.
  if (props.sshInterface === 'session_manager') return [];
  if (!props.temporarySecurityGroupSourcePublicIp) return ['0.0.0.0/0'];
  if (props.sshInterface === 'private_ip' || props.sshInterface === 'private_dns') return ownAddresses();
  return [await publicAddress(props.publicAddressUrl, signal)];
}

async function publicAddress(url: string, signal: AbortSignal): Promise<string> {
  try {
    return await retry(async (_attempt, aborted) => {
      const answer = await fetch(url, { signal: soon(10_000, aborted) });
      const said = (await answer.text()).trim(), version = isIP(said);
      if (!answer.ok || version === 0) throw new Error(`answers ${answer.status} ${JSON.stringify(said.slice(0, 60))}`);
      return `${said}/${version === 4 ? 32 : 128}`;
    }, { what: `this computer's public address from ${url}`, attempts: 3, pause: 500, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = (error as { readonly cause?: unknown }).cause;
    throw fail.OWN_ADDRESS(url, cause === undefined ? messageOf(error) : `cannot be asked (${messageOf(cause)})`, { cause: error });
  }
}

/** This computer's own addresses in private networks. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(list => list ?? []).filter(a => !a.internal && a.family === 'IPv4').map(a => `${a.address}/32`);
}
