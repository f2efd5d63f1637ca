/** The state of an EC2 for tests: regions with their things, a clock that may run faster, and lives: states that things go through by themselves. */
import type * as ec2 from '@aws-sdk/client-ec2';
import { randomBytes } from 'node:crypto';
import { Refusal } from './front.js';
import type { Policy } from './policy.js';

/** A state and how long it lasts, in seconds of the server's clock; the last one stays. `reason` is what EC2 says of it. */
export interface Phase { readonly state: string; readonly for?: number; readonly reason?: string; readonly code?: string }
export type Life = readonly Phase[];

export interface Lives {
  /** From RunInstances, StopInstances and TerminateInstances on. */
  run: Life; stop: Life; terminate: Life;
  image: Life;
  /** Copies, by region; else as `image`. */
  copy: { [region: string]: Life };
  snapshot: Life; volume: Life; importTask: Life;
}

interface Alive { life: Life; since: number }
export interface InstanceState extends Alive { readonly instance: ec2.Instance; readonly devices: { readonly name: string; readonly volume: string }[]; readonly image: string; protectedFromTermination: boolean; ena?: boolean; sriov?: string; stopGuest?: () => Promise<void>; saveGuest?: () => Promise<string | undefined>; /** What its guest is started with. */ disk?: string }
export interface ImageState extends Alive { readonly image: ec2.Image; readonly permissions: ec2.LaunchPermission[]; readonly productCodes: string[]; /** Of a guest that was running when the image was made. */ disk?: string }
export interface SnapshotState extends Alive { readonly snapshot: ec2.Snapshot; readonly permissions: ec2.CreateVolumePermission[] }
export interface VolumeState extends Alive { readonly volume: ec2.Volume; attachedTo?: string; deleteOnTermination: boolean; device?: string }

export class Region {
  readonly instances = new Map<string, InstanceState>();
  readonly images = new Map<string, ImageState>();
  readonly snapshots = new Map<string, SnapshotState>();
  readonly volumes = new Map<string, VolumeState>();
  readonly keyPairs = new Map<string, ec2.KeyPairInfo & { readonly publicKey: string }>();
  readonly groups = new Map<string, ec2.SecurityGroup>();
  readonly templates = new Map<string, { readonly template: ec2.LaunchTemplate; readonly data: ec2.RequestLaunchTemplateData }>();
  readonly importTasks = new Map<string, Alive & { readonly task: ec2.ImportImageTask; image?: string }>();
  readonly fastLaunch = new Map<string, { readonly enabled: number; readonly settings: object }>();
  /** Client tokens and what they gave. */
  readonly tokens = new Map<string, string>();
  constructor(readonly name: string) {
    this.groups.set('sg-default', { GroupId: 'sg-default', GroupName: 'default', VpcId: vpcOf(name), OwnerId: account, Description: 'default VPC security group', IpPermissions: [], Tags: [] });
  }
}

export const account = '111122223333';
/** Owner of the images that are there from the start. */
export const vendor = '136693071363';
export const vpcOf = (region: string): string => `vpc-${region}`;
export const subnetsOf = (region: string): { id: string; zone: string; free: number; tags: ec2.Tag[] }[] =>
  [{ id: `subnet-${region}a`, zone: `${region}a`, free: 200, tags: [{ Key: 'Tier', Value: 'build' }] }, { id: `subnet-${region}b`, zone: `${region}b`, free: 4000, tags: [{ Key: 'Tier', Value: 'build' }] }];

export class World {
  readonly regions = new Map<string, Region>();
  readonly roles = new Map<string, { readonly policies: Map<string, string>; readonly trust: string; readonly tags: ec2.Tag[] }>();
  readonly profiles = new Map<string, { readonly roles: string[] }>();
  /** Of the Systems Manager, by region and name. */
  readonly parameters = new Map<string, string>();
  /** Instances that a tunnel was asked for, in order. */
  readonly tunnels: string[] = [];
  /** Actions that the caller may not do: `ec2:RunInstances`. */
  readonly denied = new Set<string>();
  /** Refusals are told in a coded form, as EC2 does it. */
  encodesRefusals = false;
  /** What the caller may do; everything when undefined. */
  policy: Policy | undefined;
  /** What Windows instances make up; none where undefined. */
  windowsPassword: string | undefined;
  /** Instance types without capacity. */
  readonly exhausted = new Set<string>();
  lives: Lives = {
    run: [{ state: 'pending', for: 20 }, { state: 'running' }], stop: [{ state: 'stopping', for: 25 }, { state: 'stopped' }], terminate: [{ state: 'shutting-down', for: 30 }, { state: 'terminated' }],
    image: [{ state: 'pending', for: 90 }, { state: 'available' }], copy: {}, snapshot: [{ state: 'pending', for: 60 }, { state: 'completed' }],
    volume: [{ state: 'creating', for: 5 }, { state: 'available' }], importTask: [{ state: 'active', for: 60 }, { state: 'completed' }],
  };
  /** Seconds of the server's clock in one second. */
  readonly begun = Date.now();
  constructor(readonly speed: number) {}

  /** Milliseconds of the server's clock since 1970. */
  now(): number { return this.begun + (Date.now() - this.begun) * this.speed; }
  date(): string { return new Date(this.now()).toISOString(); }
  region(name: string): Region {
    if (!/^[a-z]{2}-[a-z]+-\d$/.test(name)) throw new Refusal('AuthFailure', `There is no region ${name}.`, 401);
    if (!this.regions.has(name)) this.regions.set(name, seed(new Region(name)));
    return this.regions.get(name)!;
  }
  /** Where a life is now. */
  phase({ life, since }: Alive): Phase {
    let rest = (this.now() - since) / 1000;
    for (const phase of life) {
      if (phase.for === undefined || rest < phase.for) return phase;
      rest -= phase.for;
    }
    return life.at(-1)!;
  }
  /** Takes a spot instance back, as EC2 does when it needs the room. */
  async interrupt(region: Region, id: string): Promise<void> {
    const state = region.instances.get(id)!, why = { code: 'Server.SpotInstanceTermination', reason: 'Server.SpotInstanceTermination: Spot instance termination' };
    state.life = this.lives.terminate.map(phase => ({ ...phase, ...why }));
    state.since = this.now();
    await state.stopGuest?.();
    delete state.stopGuest;
  }
  /** Everything of the account that costs money or keeps a name, for people: what a test holds to be empty. */
  inventory(): string[] {
    const out: string[] = [...[...this.roles.keys()].map(n => `role ${n}`), ...[...this.profiles.keys()].map(n => `instance profile ${n}`)];
    for (const region of this.regions.values()) {
      const add = (what: string, ids: Iterable<string>): void => { for (const id of ids) out.push(`${region.name}: ${what} ${id}`); };
      add('instance', [...region.instances].filter(([, i]) => this.phase(i).state !== 'terminated').map(([id]) => id));
      add('image', [...region.images].filter(([, i]) => i.image.OwnerId === account).map(([id, i]) => `${id} ${i.image.Name}`));
      add('snapshot', [...region.snapshots].filter(([, s]) => s.snapshot.OwnerId === account).map(([id]) => id));
      add('volume', [...region.volumes.keys()].filter(id => this.volumeThere(region, id)));
      add('key pair', region.keyPairs.keys());
      add('security group', [...region.groups.keys()].filter(id => id !== 'sg-default'));
      add('launch template', region.templates.keys());
      add('import task', [...region.importTasks].filter(([, t]) => this.phase(t).state === 'active').map(([id]) => id));
    }
    return out.sort();
  }
  /** Volumes go with their instance, when it is gone. */
  volumeThere(region: Region, id: string): boolean {
    const volume = region.volumes.get(id)!, owner = volume.attachedTo === undefined ? undefined : region.instances.get(volume.attachedTo);
    if (owner !== undefined && this.phase(owner).state === 'terminated') {
      if (volume.deleteOnTermination) { region.volumes.delete(id); return false; }
      delete volume.attachedTo;
    }
    return true;
  }
}

export const newId = (prefix: string): string => `${prefix}-${randomBytes(8).toString('hex').slice(0, 17)}`;

/** What everybody finds in a new region: two images of a vendor, one of a day after the other. */
function seed(region: Region): Region {
  const add = (id: string, name: string, date: string, more: Partial<ec2.Image> = {}): void => {
    const snapshot = `snap-${id.slice(4)}`, always: Alive = { life: [{ state: 'available' }], since: 0 };
    region.snapshots.set(snapshot, { life: [{ state: 'completed' }], since: 0, permissions: [], snapshot: { SnapshotId: snapshot, OwnerId: vendor, VolumeSize: 8 } });
    region.images.set(id, {
      ...always, permissions: [{ Group: 'all' }], productCodes: [],
      image: {
        ImageId: id, Name: name, OwnerId: vendor, CreationDate: date, Architecture: 'x86_64', VirtualizationType: 'hvm', RootDeviceType: 'ebs', RootDeviceName: '/dev/xvda', EnaSupport: true, Public: true,
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: snapshot, VolumeSize: 8, VolumeType: 'gp2', DeleteOnTermination: true, Encrypted: false } }], Tags: [], ...more,
      },
    });
  };
  add('ami-00000000debian11', 'debian-11-amd64-20260101', '2026-01-01T00:00:00.000Z');
  add('ami-00000000debian12', 'debian-12-amd64-20261101', '2026-11-01T00:00:00.000Z', { Tags: [{ Key: 'Release', Value: 'bookworm' }] });
  return region;
}
