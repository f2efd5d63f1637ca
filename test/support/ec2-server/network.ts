import type * as ec2 from '@aws-sdk/client-ec2';
import { byIds, calls, copyOf, fits, one, tagsFor } from './calls.js';
import { Refusal } from './front.js';
import { account, newId, subnetsOf, vpcOf } from './world.js';

export const network = calls({
  DescribeVpcs: ({ VpcIds, Filters }, { region }) => {
    void [...VpcIds ?? []];
    const vpc = { VpcId: vpcOf(region.name), IsDefault: true, State: 'available' as const, CidrBlock: '172.31.0.0/16', Tags: [{ Key: 'Name', Value: 'main' }] };
    return { Vpcs: fits(Filters, { 'is-default': 'true', 'vpc-id': vpc.VpcId, isDefault: 'true' }, vpc.Tags) ? [vpc] : [] };
  },
  DescribeSubnets: ({ SubnetIds, Filters }, { region }) => {
    const all = new Map(subnetsOf(region.name).map(s => [s.id, s] as const));
    return { Subnets: byIds(SubnetIds, all, 'InvalidSubnetID.NotFound', 'subnet ID').map(([, s]) => s).filter(s => fits(Filters, { 'vpc-id': vpcOf(region.name), 'availability-zone': s.zone, 'subnet-id': s.id }, s.tags)).map(s => ({ SubnetId: s.id, VpcId: vpcOf(region.name), AvailabilityZone: s.zone, AvailableIpAddressCount: s.free, Tags: s.tags })) };
  },
  CreateSecurityGroup({ GroupName, Description, VpcId, TagSpecifications }, { region }) {
    if (VpcId !== undefined && VpcId !== vpcOf(region.name)) throw new Refusal('InvalidVpcID.NotFound', `The vpc ID '${VpcId}' does not exist`);
    if ([...region.groups.values()].some(g => g.GroupName === GroupName)) throw new Refusal('InvalidGroup.Duplicate', `The security group '${GroupName}' already exists`);
    const group: ec2.SecurityGroup = { GroupId: newId('sg'), GroupName, Description, VpcId: vpcOf(region.name), OwnerId: account, IpPermissions: [], Tags: tagsFor(TagSpecifications, 'security-group', ['security-group']) };
    region.groups.set(group.GroupId!, group);
    return { GroupId: group.GroupId, Tags: group.Tags };
  },
  DescribeSecurityGroups: ({ GroupIds, Filters }, { region }) => ({ SecurityGroups: byIds(GroupIds, region.groups, 'InvalidGroup.NotFound', 'security group').map(([, g]) => g).filter(g => fits(Filters, { 'vpc-id': g.VpcId, 'group-name': g.GroupName }, g.Tags)) }),
  AuthorizeSecurityGroupIngress({ GroupId, IpPermissions }, { region }) {
    const group = one(GroupId, region.groups, 'InvalidGroup.NotFound', 'security group');
    for (const { CidrIp = '' } of (IpPermissions ?? []).flatMap(p => p.IpRanges ?? [])) if (!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(CidrIp)) throw new Refusal('InvalidParameterValue', `CIDR block ${CidrIp} is malformed`);
    group.IpPermissions!.push(...copyOf([...IpPermissions ?? []]));
    return { Return: true };
  },
  DeleteSecurityGroup({ GroupId }, { world, region }) {
    one(GroupId, region.groups, 'InvalidGroup.NotFound', 'security group');
    const user = [...region.instances.values()].find(i => world.phase(i).state !== 'terminated' && i.instance.SecurityGroups?.some(g => g.GroupId === GroupId));
    if (user) throw new Refusal('DependencyViolation', `resource ${GroupId} has a dependent object`);
    region.groups.delete(GroupId!);
    return { Return: true };
  },
  ImportKeyPair({ KeyName, PublicKeyMaterial, TagSpecifications }, { region }) {
    if (region.keyPairs.has(KeyName!)) throw new Refusal('InvalidKeyPair.Duplicate', `The keypair already exists`);
    const publicKey = Buffer.from(PublicKeyMaterial!).toString('utf8');
    if (!/^ssh-(ed25519|rsa) [A-Za-z0-9+/=]+/.test(publicKey)) throw new Refusal('InvalidKey.Format', 'Key is not in valid OpenSSH public key format');
    const pair = { KeyPairId: newId('key'), KeyName, publicKey, Tags: tagsFor(TagSpecifications, 'key-pair', ['key-pair']) };
    region.keyPairs.set(KeyName!, pair);
    return { KeyName, KeyPairId: pair.KeyPairId, Tags: pair.Tags };
  },
  DescribeKeyPairs: ({ Filters }, { region }) => ({ KeyPairs: [...region.keyPairs.values()].filter(k => fits(Filters, { 'key-name': k.KeyName }, k.Tags)).map(({ publicKey: _public, ...k }) => k) }),
  // As EC2 does: a key pair that is not there is deleted without a word.
  DeleteKeyPair({ KeyPairId, KeyName }, { region }) {
    for (const [name, pair] of region.keyPairs) if (pair.KeyPairId === KeyPairId || name === KeyName) region.keyPairs.delete(name);
    return { Return: true };
  },
  CreateTags({ Resources, Tags }, { region }) {
    for (const id of Resources ?? []) {
      const tags = tagged(region, id);
      for (const { Key, Value } of Tags ?? []) {
        const old = tags.findIndex(t => t.Key === Key);
        if (old >= 0) tags.splice(old, 1);
        tags.push({ Key, Value });
      }
    }
    return {};
  },
  DeleteTags({ Resources, Tags }, { region }) {
    for (const id of Resources ?? []) {
      const tags = tagged(region, id);
      for (const { Key, Value } of Tags ?? []) for (let i = tags.length - 1; i >= 0; i--) if (tags[i]!.Key === Key && (Value === undefined || tags[i]!.Value === Value)) tags.splice(i, 1);
    }
    return {};
  },
  DescribeTags: ({ Filters }, { region }) => ({
    Tags: everything(region).flatMap(([ResourceId, ResourceType, tags]) => tags.filter(t => fits(Filters, { key: t.Key, value: t.Value, 'resource-type': ResourceType, 'resource-id': ResourceId }, [])).map(t => ({ ...t, ResourceId, ResourceType: ResourceType as ec2.ResourceType }))),
  }),
  DescribeRegions: ({ AllRegions }, { world }) => { void AllRegions; return { Regions: [...world.regions.keys()].map(RegionName => ({ RegionName })) }; },
});

type Tagged = readonly [id: string, type: string, tags: ec2.Tag[]];
/** Everything that can carry tags. */
export function everything(region: import('./world.js').Region): Tagged[] {
  return [
    ...[...region.instances].map(([id, s]) => [id, 'instance', s.instance.Tags!] as const), ...[...region.images].map(([id, s]) => [id, 'image', s.image.Tags!] as const),
    ...[...region.snapshots].map(([id, s]) => [id, 'snapshot', s.snapshot.Tags ??= []] as const), ...[...region.volumes].map(([id, s]) => [id, 'volume', s.volume.Tags!] as const),
    ...[...region.groups].map(([id, g]) => [id, 'security-group', g.Tags!] as const), ...[...region.keyPairs.values()].map(k => [k.KeyPairId!, 'key-pair', k.Tags!] as const),
    ...[...region.templates].map(([id, t]) => [id, 'launch-template', t.template.Tags!] as const), ...[...region.importTasks].map(([id, t]) => [id, 'import-image-task', t.task.Tags!] as const),
  ];
}
function tagged(region: import('./world.js').Region, id: string): ec2.Tag[] {
  const found = everything(region).find(([i]) => i === id);
  if (!found) throw new Refusal('InvalidID', `The ID '${id}' is not valid`);
  return found[2];
}
