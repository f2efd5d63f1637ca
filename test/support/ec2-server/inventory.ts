/** What an account has that costs money or keeps a name, asked for through the SDK: the same on every server. */
import * as ec2 from '@aws-sdk/client-ec2';

export async function inventory(regions: readonly string[]): Promise<string[]> {
  const all = await Promise.all(regions.map(async region => {
    const client = new ec2.EC2Client({ region, maxAttempts: 1 });
    try {
      const [instances, images, snapshots, volumes, keys, groups, templates] = await Promise.all([
        client.send(new ec2.DescribeInstancesCommand({})), client.send(new ec2.DescribeImagesCommand({ Owners: ['self'] })), client.send(new ec2.DescribeSnapshotsCommand({ OwnerIds: ['self'] })),
        client.send(new ec2.DescribeVolumesCommand({})), client.send(new ec2.DescribeKeyPairsCommand({})), client.send(new ec2.DescribeSecurityGroupsCommand({})), client.send(new ec2.DescribeLaunchTemplatesCommand({})),
      ]);
      return [
        ...(instances.Reservations ?? []).flatMap(r => r.Instances ?? []).filter(i => i.State?.Name !== 'terminated').map(i => `instance ${i.InstanceId}`),
        ...(images.Images ?? []).map(i => `image ${i.ImageId} ${i.Name}`), ...(snapshots.Snapshots ?? []).map(s => `snapshot ${s.SnapshotId}`), ...(volumes.Volumes ?? []).map(v => `volume ${v.VolumeId}`),
        ...(keys.KeyPairs ?? []).map(k => `key pair ${k.KeyName}`), ...(groups.SecurityGroups ?? []).filter(g => g.GroupName !== 'default').map(g => `security group ${g.GroupId}`), ...(templates.LaunchTemplates ?? []).map(t => `launch template ${t.LaunchTemplateId}`),
      ].map(what => `${region}: ${what}`);
    } finally { client.destroy(); }
  }));
  return all.flat().sort();
}
