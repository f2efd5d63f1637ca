/**
 * A stateful EC2 for tests, stricter than the real one: it refuses parameters that the SDK's models do not have, and complains of those that it
 * does not look at. Behind an instance a real server may listen, at the instance's own address in 127/8.
 */
import { type Front, Refusal, startFront } from './front.js';
import { builder, encodedRefusal, identity } from './identity.js';
import { instances } from './instances.js';
import { network } from './network.js';
import { forbidden } from './policy.js';
import { storage } from './storage.js';
import { type Region, World } from './world.js';
import { writeOutput } from './wire.js';
import type { Here } from './calls.js';
import { openDoor } from '../door.js';

export interface Ec2Server extends AsyncDisposable {
  readonly front: Front;
  readonly world: World;
  /** What a client needs to find this server, as environment variables. */
  readonly environment: { readonly [name: string]: string };
}

/** What listens behind an instance. */
export interface Guest {
  readonly host: string; readonly port: number;
  stop(): Promise<void>;
  /** Its disk as it is now, as a name that `start` takes. */
  save?(): Promise<string>;
}
/** Where the guest behind an instance listens; given the public key that it must let in, and the disk that its image has, where that was saved. */
export interface Guests { start(publicKey: string | undefined, disk?: string): Promise<Guest>; /** The port at which instances are reached. */ readonly port: number }

const table = { ...instances, ...storage, ...network } as unknown as { readonly [action: string]: (input: object, here: Here) => object | Promise<object> };

/** Starts the server. `speed`: seconds of its clock in one second. */
export async function startEc2(options: { readonly speed?: number; readonly guests?: Guests } = {}): Promise<Ec2Server> {
  const world = new World(options.speed ?? 400), open = new Set<() => Promise<void>>();
  const launched = (id: string, region: Region): void => {
    if (!options.guests) return;
    const state = region.instances.get(id)!;
    const started = listen(options.guests, region.keyPairs.get(state.instance.KeyName ?? '')?.publicKey, state.instance.PublicIpAddress!, state.disk ?? region.images.get(state.image)?.disk);
    const stop = async (): Promise<void> => { open.delete(stop); await (await started).stop(); };
    state.stopGuest = stop;
    state.saveGuest = async () => (await started).save?.();
    open.add(stop);
  };
  const rebooted = async (id: string, region: Region): Promise<void> => {
    const state = region.instances.get(id)!, disk = await state.saveGuest?.();
    if (disk !== undefined) state.disk = disk;
    await state.stopGuest?.();
    launched(id, region);
  };
  const front = await startFront({
    async answer(call, operation) {
      const [prefix, name] = call.action.split(':') as [string, string], region = world.region(call.region);
      const denied = world.denied.has(call.action) ? call.action : world.policy && forbidden(world.policy, call, region);
      if (denied !== undefined) throw new Refusal(prefix === 'ec2' ? 'UnauthorizedOperation' : 'AccessDenied', `You are not authorized to perform this operation. ${world.encodesRefusals && prefix === 'ec2' ? encodedRefusal(denied, call.region) : `User: ${builder} is not authorized to perform: ${denied}`}`, 403);
      const { DryRun, ...rest } = call.input;
      if (DryRun === true) throw new Refusal('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
      const unread = new Set<string>(), input = watched(rest, '', unread);
      const answer = prefix === 'ec2' ? table[name] : undefined, other = identity[call.action];
      if (answer === undefined && other === undefined) throw new Error(`The test server has no ${call.action}.`);
      const output = answer ? await answer(input, { world, region, call, launched, rebooted }) : other!(input, world);
      if (unread.size > 0) throw new Error(`The test server does not look at ${[...unread].join(', ')} of ${call.action}.`);
      return { status: 200, body: writeOutput(operation, output, prefix === 'ec2' ? 'ec2' : 'query', `req-${call.number}`) };
    },
  }, async (request, body, response) => {
    // Of the Systems Manager only what builds do.
    const target = String(request.headers['x-amz-target'] ?? request.url), input = JSON.parse(body.toString('utf8') || '{}') as { readonly [name: string]: any };
    const region = /Credential=[^/]+\/\d+\/([\w-]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '', send = (answer: object): void => { response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer)); };
    if (target === 'AmazonSSM.PutParameter') {
      world.parameters.set(`${region} ${input['Name']}`, input['Value']);
      send({ Version: 1, Tier: 'Standard' });
    } else if (target === 'AmazonSSM.StartSession') {
      // The token tells the plugin of the test where the instance is.
      const instance = world.region(region).instances.get(input['Target'])!;
      world.tunnels.push(input['Target']);
      send({ SessionId: `session-${world.tunnels.length}`, StreamUrl: 'wss://test', TokenValue: `${instance.instance.PrivateIpAddress}:${input['Parameters'].portNumber[0]}` });
    } else if (target === 'AmazonSSM.TerminateSession') send({ SessionId: input['SessionId'] });
    else throw new Error(`The test server has no ${target}.`);
  });
  return {
    front, world,
    environment: { AWS_ENDPOINT_URL: front.url, AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await Promise.all([...open].map(stop => stop().catch(() => {})));
    },
  };
}

/** Remembers which values of the input nobody looked at. Lists and plain values count as a whole. */
function watched<T extends object>(value: T, at: string, unread: Set<string>): T {
  const inner = new Map<string, unknown>();
  for (const key of Object.keys(value)) unread.add(at + key);
  return new Proxy(value, {
    get(target, key) {
      const found: unknown = Reflect.get(target, key);
      if (typeof key !== 'string' || !Object.hasOwn(target, key)) return found;
      unread.delete(at + key);
      if (typeof found !== 'object' || found === null || found instanceof Date || found instanceof Uint8Array || Array.isArray(found)) return found;
      if (!inner.has(key)) inner.set(key, watched(found, `${at}${key}.`, unread));
      return inner.get(key);
    },
  });
}

/** A door at the instance's address that leads to its guest. */
async function listen(guests: Guests, publicKey: string | undefined, address: string, disk: string | undefined): Promise<Pick<Guest, 'stop' | 'save'>> {
  const guest = await guests.start(publicKey, disk);
  const close = await openDoor(address, guests.port, guest);
  return { async stop() { close(); await guest.stop(); }, ...(guest.save === undefined ? {} : { save: () => guest.save!() }) };
}
