/** The instance that something is built on: everything that it needs is made before it, and goes after it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image, Instance } from '@aws-sdk/client-ec2';
import type { AwsFields } from '../../constructs/shared/aws.js';
import type { LaunchDeviceFields } from '../../constructs/shared/aws-block-device.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import type { SshFields } from '../../constructs/shared/ssh.js';
import type { WinrmFields } from '../../constructs/shared/winrm.js';
import { errors, messageOf } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { Json } from '../../json.js';
import { openSsh, type SshProps } from '../communicators/open.js';
import type { WinrmProps } from '../communicators/winrm.js';
import { winrmPort } from '../communicators/winrm-port.js';
import type { Communicator, Context } from '../driver.js';
import { removeLoginKey } from '../guest/login-key.js';
import { temporaryProfile } from './iam.js';
import { startInstance, type Running } from './instance.js';
import { type LoginKey, temporaryKeyPair } from './key-pair.js';
import type { Maker } from './making.js';
import { newMark, ownerOf, tagsFor } from './marks.js';
import { findPlace, ingress, temporaryGroup } from './network.js';
import { actionsOf } from './policy.js';
import { denial, probe } from './probes.js';
import type { KeptInstance } from './shell.js';
import type { SavedInstance } from './saved.js';
import { accessOf, keysOf, openSession, type Session } from './session.js';
import { openTunnel } from './tunnel.js';
import { checkVirtualization, describeImage, findSourceImage, sourceValues } from './source-image.js';
import { isGone } from './refusals.js';
import { awaitState } from './wait.js';
import { windowsPassword } from './windows-password.js';

const fail = errors('EC2', {
  SPOT_TAKEN: {
    message: (id: string, reason: string) => `Spot instance ${id} was taken back by EC2 while it was built on${reason}`,
    remedy: 'Build again (`bake retry`): a step with checkpoint: \'always\' before the long ones is what it goes on from. Several spotInstanceTypes are taken back less often, and an instance on demand never is.',
    retryable: true,
  },
  INSTANCE_GONE: {
    message: (id: string, state: string, reason: string) => `Instance ${id} is ${state}, and nothing of this build did that${reason}`,
    remedy: 'Look for who did (CloudTrail, a janitor, a step that switches the machine off), and build again.',
    retryable: true,
  },
});

export type HostProps = ResolvedOf<AwsFields & AwsInstanceFields & LaunchDeviceFields & SshFields & WinrmFields> & { readonly amiVirtualizationType?: string };

const sessionFor = (props: ResolvedOf<AwsFields>, ctx: Context): Session =>
  openSession(accessOf(props), { keys: keysOf(props), signal: ctx.signal, run: ctx.run.id, note: message => ctx.note(message) });
/** For work that ends with itself. */
export async function withSession<T>(props: ResolvedOf<AwsFields>, ctx: Context, work: (session: Session) => Promise<T>): Promise<T> {
  const session = sessionFor(props, ctx);
  try { return await work(session); } finally { session.close(); }
}
export function makerFor(driver: string, props: HostProps, session: Session, ctx: Context): Maker {
  return { ctx, session, driver, owner: ownerOf(ctx, props.expiresAfter.$duration), tags: props.runTags ?? {} };
}

/** A running instance. */
export class Host {
  guest: Communicator | undefined;
  constructor(readonly props: HostProps, readonly maker: Maker, readonly running: Running, readonly source: Image & { readonly ImageId: string }, readonly key: LoginKey | undefined, private readonly inherited: readonly string[]) { this.instance = running.value.instance; }
  get id(): string { return this.running.id; }
  /** As it was last seen. */
  instance: Instance;
  get spot(): boolean { return this.running.value.spot; }
  /** Keys that let in whoever builds, now or in the runs that its disk comes from, by the base64 part of their public halves. */
  get loginKeys(): readonly string[] { return [...(this.key === undefined ? [] : [this.key.blob]), ...this.inherited]; }
  /** Milliseconds that the guest may take to be there. */
  get patience(): number { return (this.props.winrm === undefined ? (this.props.ssh as SshProps).timeout : (this.props.winrm as WinrmProps).timeout).$duration; }
  get values() { return sourceValues(this.source, this.maker.session.region); }
  /** From here on it is us who switch it off. */
  private stopping = false;
  hostValues: { readonly [name: string]: string } = {};

  async connect(ctx: Context): Promise<Communicator> {
    const session = this.maker.session.with(ctx.signal), winrm = this.props.winrm as WinrmProps | undefined;
    const tunnel = this.props.sshInterface === 'session_manager' ? await openTunnel(session, this.id, portOf(this.props), this.props, ctx) : undefined, address = tunnel ?? (() => this.address(session));
    try {
      if (winrm === undefined) this.guest = await openSsh(this.props.ssh as SshProps, { ...(this.key === undefined ? {} : { privateKey: this.key.privateKey }), address }, ctx);
      else this.guest = await (await import('../communicators/winrm.js')).openWinrm(await this.withPassword(session, winrm, ctx), { address, pull: false }, ctx);
    } catch (error) {
      if (ctx.signal.aborted) throw error;
      await this.saveConsole(ctx);
      throw await this.lost() ?? error;
    }
    const { endpoint } = this.guest;
    this.hostValues = { ...this.values.host, ...(endpoint.type === 'winrm' ? { guestHost: new URL(endpoint.url).hostname, guestPort: new URL(endpoint.url).port, guestUser: endpoint.user } : endpoint.type === 'ssh' ? { guestHost: endpoint.host, guestPort: String(endpoint.port), guestUser: endpoint.user } : {}) };
    return this.guest;
  }

  /** Waiting for Windows' first boot is not waiting for WinRM: each has a budget of its own. */
  private async withPassword(session: Session, winrm: WinrmProps, ctx: Context): Promise<WinrmProps> {
    return winrm.password !== undefined || this.key === undefined ? winrm : { ...winrm, password: await windowsPassword(session, this.id, this.key.privateKey, this.props.windowsPasswordTimeout.$duration, ctx) };
  }

  /** Where the instance is reached, as far as EC2 knows it by now. */
  private async address(session: Session): Promise<{ readonly host: string } | undefined> {
    const seen = (await session.ec2('DescribeInstances', { InstanceIds: [this.id] })).Reservations?.[0]?.Instances?.[0];
    const host = {
      public_ip: seen?.PublicIpAddress, private_ip: seen?.PrivateIpAddress, public_dns: seen?.PublicDnsName, private_dns: seen?.PrivateDnsName, session_manager: undefined,
      any: seen?.PublicIpAddress ?? seen?.PrivateIpAddress,
    }[this.props.sshInterface ?? 'any'];
    return host === undefined || host === '' ? undefined : { host };
  }

  /** What the machine last wrote, for whoever looks into a failure. */
  private async saveConsole(ctx: Context): Promise<void> {
    try {
      const { Output } = await this.maker.session.with(undefined).ec2('GetConsoleOutput', { InstanceId: this.id, Latest: true });
      if (!Output) return;
      const file = join(ctx.run.folder, 'console.log');
      await writeFile(file, Buffer.from(Output, 'base64'));
      ctx.note(`What the instance wrote on its console: ${file}`);
    } catch (error) {
      ctx.note(`The console of the instance cannot be read: ${messageOf(error)}`, { detail: true });
    }
  }

  /** Takes our key out and switches the instance off, where it can be: a spot instance of one time cannot be stopped, and is captured running. */
  async stop(ctx: Context): Promise<'stopped' | 'running'> {
    const session = this.maker.session.with(ctx.signal), ssh = this.props.ssh as SshProps;
    this.stopping = true;
    if (this.guest !== undefined && this.props.winrm === undefined && ssh.clearAuthorizedKeys !== false) for (const key of this.loginKeys) await removeLoginKey(this.guest, key, ctx.signal);
    if (this.spot) return 'running';
    if (!this.props.disableStopInstance) await session.ec2('StopInstances', { InstanceIds: [this.id] });
    await awaitState({
      what: `Instance ${this.id}`, access: session.access, signal: ctx.signal, note: message => ctx.note(message), budget: 900_000, wanted: ['stopped'], failed: ['terminated', 'shutting-down'],
      look: async () => {
        const seen = (await session.ec2('DescribeInstances', { InstanceIds: [this.id] })).Reservations?.[0]?.Instances?.[0];
        if (seen !== undefined) this.instance = seen;
        return seen === undefined ? undefined : { state: seen.State?.Name ?? 'unknown', reason: seen.State?.Name === 'running' ? undefined : seen.StateReason?.Message, value: undefined };
      },
    });
    if (this.props.enaSupport !== undefined) await session.ec2('ModifyInstanceAttribute', { InstanceId: this.id, EnaSupport: { Value: this.props.enaSupport } });
    if (this.props.sriovSupport) await session.ec2('ModifyInstanceAttribute', { InstanceId: this.id, SriovNetSupport: { Value: 'simple' } });
    return 'stopped';
  }

  /** Why the instance is not there any more; undefined where it is, or cannot be asked for. */
  async lost(): Promise<Error | undefined> {
    const seen = (await this.maker.session.with(undefined).ec2('DescribeInstances', { InstanceIds: [this.id] }, { tries: 3 }).catch(() => undefined))?.Reservations?.[0]?.Instances?.[0];
    const state = seen?.State?.Name, { Code: code = '', Message: said = '' } = seen?.StateReason ?? {}, reason = said === '' ? '.' : `: ${said}`;
    if (state === undefined || state === 'running' || state === 'pending') return undefined;
    if (this.spot && /Spot/.test(code)) return fail.SPOT_TAKEN(this.id, reason);
    return this.stopping ? undefined : fail.INSTANCE_GONE(this.id, state, reason);
  }

  /** For a kept machine: how it is reached, and how it is found to be removed. */
  keep(): Json {
    const { session } = this.maker, tunnel = this.props.sshInterface === 'session_manager' ? { tunnelTo: portOf(this.props) } : {};
    return { endpoint: this.guest?.endpoint ?? { type: 'none' }, instance: this.id, region: session.region, access: session.access, ...tunnel } satisfies KeptInstance as unknown as Json;
  }
}

/** Makes key, security group and profile as they are needed, then starts the instance. `saved`: the machine to go on from, which `image` finds. */
export async function startHost(driver: string, props: HostProps, ctx: Context, saved?: SavedInstance): Promise<Host> {
  const session = sessionFor(props, ctx), maker = makerFor(driver, props, session, ctx), ssh = props.ssh as SshProps;
  ctx.scope.defer('close the connections to AWS', () => session.close());
  const source = saved === undefined ? await findSourceImage(session, props) : saved.source, image = saved === undefined ? source : await describeImage(session, saved.image);
  checkVirtualization(image, props.amiVirtualizationType);
  ctx.note(`From image ${image.ImageId} (${image.Name ?? 'without a name'}).`);
  const place = await findPlace(session, props);
  const cidrs = place.groups === undefined ? await ingress(props, ctx.signal) : [];
  // EC2 encrypts the passwords of Windows with RSA.
  const key = needsKey(props) ? await temporaryKeyPair(maker, { name: ssh.temporaryKeyPairName, type: props.winrm !== undefined || ssh.temporaryKeyPairType === 'rsa' ? 'rsa' : 'ed25519', bits: ssh.temporaryKeyPairBits || (props.winrm === undefined ? 4096 : 2048) }) : undefined;
  const groups = place.groups ?? [await temporaryGroup(maker, place.vpcId, portOf(props), cidrs)];
  const profile = props.temporaryIamInstanceProfilePolicyDocument === undefined ? props.iamInstanceProfile : await temporaryProfile(maker, props.temporaryIamInstanceProfilePolicyDocument);
  // Its disks are those that it was saved with: whoever names them again begins with others.
  const { launchBlockDeviceMappings: _disks, ...saidOnce } = props;
  const running = await startInstance(maker, saved === undefined ? props : saidOnce, { image, place, groups, keyName: key?.name ?? ssh.keypairName, profile });
  const { instance } = running.value, tags = tagsFor(maker.owner, newMark(), 'imagebake', maker.tags);
  const { forbidden } = await probe(session, Object.keys(actionsOf({ kind: driver, props })), { instance, keyName: key?.name, groupId: place.groups === undefined ? groups[0] : undefined, tags });
  if (forbidden.length > 0) throw await denial(session, forbidden);
  return new Host(props, maker, running, source, key, saved?.loginKeys ?? []);
}

const portOf = (props: HostProps): number => (props.winrm === undefined ? (props.ssh as SshProps).port : winrmPort(props.winrm as WinrmProps));

/** Whether it is Windows, with the password that EC2 makes. */
export const needsPassword = (props: HostProps): boolean => props.winrm !== undefined && (props.winrm as WinrmProps).password === undefined;
/** Whether no key of somebody else's, and no password, lets us in. */
export const needsKey = (props: HostProps): boolean => (props.winrm === undefined ? sshNeedsKey(props.ssh as SshProps) : needsPassword(props));
const sshNeedsKey = (ssh: SshProps): boolean => ssh.keypairName === undefined && ssh.privateKeyFile === undefined && ssh.password === undefined && !ssh.agentAuth;

/** Whether an image is still there. */
export async function imageThere(session: Session, region: string, id: string): Promise<boolean> {
  const image = (await session.in(region).ec2('DescribeImages', { ImageIds: [id], IncludeDeprecated: true }).catch(error => { if (isGone(error)) return undefined; throw error; }))?.Images?.[0];
  return image?.State === 'available';
}
