/** The instance that something is built on: everything that it needs is made before it, and goes after it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image, Instance } from '@aws-sdk/client-ec2';
import type { AwsFields } from '../../constructs/shared/aws.js';
import type { LaunchDeviceFields } from '../../constructs/shared/aws-block-device.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import type { SshFields } from '../../constructs/shared/ssh.js';
import type { WinrmFields } from '../../constructs/shared/winrm.js';
import { messageOf } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { Json } from '../../json.js';
import { openSsh, type SshProps } from '../communicators/open.js';
import type { WinrmProps } from '../communicators/winrm.js';
import { winrmPort } from '../communicators/winrm-port.js';
import type { Communicator, Context } from '../driver.js';
import { removeLoginKey } from '../login-key.js';
import { temporaryProfile } from './iam.js';
import { startInstance, type Running } from './instance.js';
import { type LoginKey, temporaryKeyPair } from './key-pair.js';
import type { Maker } from './making.js';
import { newMark, ownerOf, tagsFor } from './marks.js';
import { findPlace, ingress, temporaryGroup } from './network.js';
import { actionsOf } from './policy.js';
import { denial, probe } from './probes.js';
import type { KeptInstance } from './shell.js';
import { accessOf, keysOf, openSession, type Session } from './session.js';
import { openTunnel } from './tunnel.js';
import { checkVirtualization, findSourceImage, sourceValues } from './source-image.js';
import { isGone } from './refusals.js';
import { awaitState } from './wait.js';
import { windowsPassword } from './windows-password.js';

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
  constructor(readonly props: HostProps, readonly maker: Maker, readonly running: Running, readonly source: Image & { readonly ImageId: string }, readonly key: LoginKey | undefined) { this.instance = running.value.instance; }
  get id(): string { return this.running.id; }
  /** As it was last seen. */
  instance: Instance;
  get spot(): boolean { return this.running.value.spot; }
  get values() { return sourceValues(this.source, this.maker.session.region); }
  hostValues: { readonly [name: string]: string } = {};

  async connect(ctx: Context): Promise<Communicator> {
    const session = this.maker.session.with(ctx.signal), winrm = this.props.winrm as WinrmProps | undefined;
    const tunnel = this.props.sshInterface === 'session_manager' ? await openTunnel(session, this.id, portOf(this.props), this.props, ctx) : undefined, address = tunnel ?? (() => this.address(session));
    try {
      if (winrm === undefined) this.guest = await openSsh(this.props.ssh as SshProps, { ...(this.key === undefined ? {} : { privateKey: this.key.privateKey }), address }, ctx);
      else this.guest = await (await import('../communicators/winrm.js')).openWinrm(await this.withPassword(session, winrm, ctx), { address, pull: false }, ctx);
    } catch (error) {
      if (!ctx.signal.aborted) await this.saveConsole(ctx);
      throw error;
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
    if (this.key !== undefined && this.guest !== undefined && this.props.winrm === undefined && ssh.clearAuthorizedKeys !== false) await removeLoginKey(this.guest, this.key.blob, ctx.signal);
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

  /** For a kept machine: how it is reached, and how it is found to be removed. */
  keep(): Json {
    const { session } = this.maker, tunnel = this.props.sshInterface === 'session_manager' ? { tunnelTo: portOf(this.props) } : {};
    return { endpoint: this.guest?.endpoint ?? { type: 'none' }, instance: this.id, region: session.region, access: session.access, ...tunnel } satisfies KeptInstance as unknown as Json;
  }
}

/** Makes key, security group and profile as they are needed, then starts the instance. */
export async function startHost(driver: string, props: HostProps, ctx: Context): Promise<Host> {
  const session = sessionFor(props, ctx), maker = makerFor(driver, props, session, ctx), ssh = props.ssh as SshProps;
  ctx.scope.defer('close the connections to AWS', () => session.close());
  const image = await findSourceImage(session, props);
  checkVirtualization(image, props.amiVirtualizationType);
  ctx.note(`From image ${image.ImageId} (${image.Name ?? 'without a name'}).`);
  const place = await findPlace(session, props);
  const cidrs = place.groups === undefined ? await ingress(props, ctx.signal) : [];
  // EC2 encrypts the passwords of Windows with RSA.
  const key = needsKey(props) ? await temporaryKeyPair(maker, { name: ssh.temporaryKeyPairName, type: props.winrm !== undefined || ssh.temporaryKeyPairType === 'rsa' ? 'rsa' : 'ed25519', bits: ssh.temporaryKeyPairBits || (props.winrm === undefined ? 4096 : 2048) }) : undefined;
  const groups = place.groups ?? [await temporaryGroup(maker, place.vpcId, portOf(props), cidrs)];
  const profile = props.temporaryIamInstanceProfilePolicyDocument === undefined ? props.iamInstanceProfile : await temporaryProfile(maker, props.temporaryIamInstanceProfilePolicyDocument);
  const running = await startInstance(maker, props, { image, place, groups, keyName: key?.name ?? ssh.keypairName, profile });
  const { instance } = running.value, tags = tagsFor(maker.owner, newMark(), 'imagebake', maker.tags);
  const { forbidden } = await probe(session, Object.keys(actionsOf({ kind: driver, props })), { instance, keyName: key?.name, groupId: place.groups === undefined ? groups[0] : undefined, tags });
  if (forbidden.length > 0) throw await denial(session, forbidden);
  return new Host(props, maker, running, image, key);
}

const portOf = (props: HostProps): number => (props.winrm === undefined ? (props.ssh as SshProps).port : winrmPort(props.winrm as WinrmProps));

/** Whether no key of somebody else's, and no password, lets us in. */
export const needsKey = (props: HostProps): boolean => (props.winrm === undefined ? sshNeedsKey(props.ssh as SshProps) : props.winrm.password === undefined);
const sshNeedsKey = (ssh: SshProps): boolean => ssh.keypairName === undefined && ssh.privateKeyFile === undefined && ssh.password === undefined && !ssh.agentAuth;

/** Whether an image is still there. */
export async function imageThere(session: Session, region: string, id: string): Promise<boolean> {
  const image = (await session.in(region).ec2('DescribeImages', { ImageIds: [id], IncludeDeprecated: true }).catch(error => { if (isGone(error)) return undefined; throw error; }))?.Images?.[0];
  return image?.State === 'available';
}
