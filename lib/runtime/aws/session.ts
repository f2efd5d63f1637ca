/** A session: one identity, one region, and calls that are tried again where that helps and never where it does not. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { BakeError } from '../../errors.js';
import type { Json } from '../../json.js';
import type { ResolvedOf } from '../../fields.js';
import type { AwsFields } from '../../constructs/shared/aws.js';
import { retry } from '../retry.js';
import { type Credentials, makeCredentials } from './credentials.js';
import { ambiguous, decodedRefusal, isGone, refusal, retryable } from './refusals.js';
import { type CallOf, type Ec2Module, type InputOf, loadEc2, loadSts, type OutputOf, type StsModule } from './sdk.js';

/** Who and where, without a secret in it: goes into journals and artifacts, so that another process finds the same account. */
export interface Access {
  readonly region: string;
  readonly profile?: string; readonly sharedCredentialsFile?: string;
  readonly assumeRole?: ResolvedOf<AwsFields>['assumeRole'];
  readonly endpoint?: string; readonly insecure?: boolean; readonly maxRetries?: number; readonly decode?: boolean;
  /** Milliseconds. */
  readonly polling?: { readonly delay?: number; readonly maxAttempts?: number };
}
/** What is never written down. */
export interface Keys { readonly accessKey?: string | undefined; readonly secretKey?: string | undefined; readonly token?: string | undefined; readonly mfaCode?: string | undefined }

export interface SessionOptions {
  readonly keys?: Keys;
  readonly signal?: AbortSignal | undefined;
  /** Names the session of a role that is taken. */
  readonly run?: string;
  /** Told when a call is tried again. */
  readonly note?: (message: string) => void;
}

/** The calls of a service, typed by its client. */
export type Calls<M> = <A extends CallOf<M>>(call: A, input: InputOf<M, A>, options?: CallOptions) => Promise<OutputOf<M, A>>;
export interface CallOptions {
  /** `once`: a second try could do the thing twice; only throttling is waited out. */
  readonly once?: boolean;
  /** It speaks of something that was made a moment ago, which AWS may not see everywhere yet: 'not found' is tried again for a while. */
  readonly fresh?: boolean;
  /** How often it is tried at most. Left out: as the session's access says. */
  readonly tries?: number;
}
/** How long that may take, in milliseconds. */
const settling = 30_000;

export interface Session {
  readonly access: Access;
  readonly region: string;
  /** A call of EC2. Throws an AWS_… error; the code that AWS gave is `facts.awsCode`. */
  readonly ec2: Calls<Ec2Module>;
  readonly sts: Calls<StsModule>;
  /** A client of another service: `module` loads it, `make` builds it from the settings of this session. Actions are called `prefix:Call`. */
  service<M>(prefix: string, load: () => Promise<M>, make: (module: M, settings: ClientSettings) => Client): Calls<M>;
  /** The same identity in another region. */
  in(region: string): Session;
  /** The same, with another signal; undefined: nothing cancels it. */
  with(signal: AbortSignal | undefined): Session;
  close(): void;
}

export interface Client { send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>; destroy(): void }
export interface ClientSettings { readonly region: string; readonly credentials: Credentials; readonly maxAttempts: 1; readonly requestHandler?: { readonly httpsAgent: { readonly rejectUnauthorized: false } } }

/** How long a call is tried again when nothing else is said, in milliseconds. */
const patience = 120_000;

export function accessOf(props: ResolvedOf<AwsFields>): Access {
  const polling = props.polling && {
    ...(props.polling.delay === undefined ? {} : { delay: props.polling.delay.$duration }), ...(props.polling.maxAttempts === undefined ? {} : { maxAttempts: props.polling.maxAttempts }),
  };
  return clean({
    region: props.region, profile: props.profile, sharedCredentialsFile: props.sharedCredentialsFile, assumeRole: props.assumeRole, endpoint: props.customEndpointEc2,
    insecure: props.insecureSkipTlsVerify || undefined, maxRetries: props.maxRetries, decode: props.decodeAuthorizationMessages || undefined, polling,
  });
}
const clean = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as never;
export const keysOf = (props: ResolvedOf<AwsFields>): Keys => ({ accessKey: props.accessKey, secretKey: props.secretKey, token: props.token, mfaCode: props.mfaCode });
/** An Access as JSON, for journals and artifacts. */
export const accessJson = (access: Access): Json => access as unknown as Json;

export function openSession(access: Access, options: SessionOptions = {}): Session {
  const credentials = makeCredentials(access, options.keys ?? {}, options.run ?? 'imagebake');
  const clients = new Map<string, Promise<{ readonly module: unknown; readonly client: Client }>>();

  function sessionIn(region: string, signal: AbortSignal | undefined): Session {
    const settings: ClientSettings = {
      region, credentials, maxAttempts: 1, ...(access.insecure ? { requestHandler: { httpsAgent: { rejectUnauthorized: false as const } } } : {}),
    };
    const service: Session['service'] = (prefix, load, make) => async (call, input, { once = false, fresh = false, tries } = {}) => {
      const begun = performance.now(), id = `${prefix} ${region}`;
      if (!clients.has(id)) clients.set(id, load().then(module => ({ module, client: make(module, settings) })));
      const { module, client } = await clients.get(id)! as { module: { readonly [name: string]: new (input: unknown) => never }; client: Client };
      const action = `${prefix}:${call}`;
      return await retry(async (_attempt, aborted) => {
        try {
          return await client.send(new module[`${call}Command`]!(input), { abortSignal: aborted }) as never;
        } catch (error) {
          throw await decoded(refusal(action, region, error));
        }
      }, {
        what: `an answer of AWS to ${action} in ${region}`, ...(access.maxRetries === undefined && tries === undefined ? { budget: patience } : { attempts: Math.min(tries ?? Infinity, (access.maxRetries ?? Infinity) + 1) }), signal, pause: 500,
        retryIf: error => (retryable(error) && !(once && ambiguous(error))) || (fresh && isGone(error) && performance.now() - begun < settling),
        onRetry: (error, _attempt, pause) => options.note?.(`${(error as Error).message} Tried again in ${pause / 1000} s.`),
      });
    };
    const sts = service<StsModule>('sts', loadSts, (module, s) => new module.STSClient(s) as unknown as Client);
    const decoded = async (error: BakeError): Promise<BakeError> => {
      const { coded } = error.facts;
      if (!access.decode || typeof coded !== 'string') return error;
      const said = await sts('DecodeAuthorizationMessage', { EncodedMessage: coded }).catch(() => undefined);
      return said?.DecodedMessage === undefined ? error : decodedRefusal(error, said.DecodedMessage);
    };
    return {
      access, region, service, sts,
      ec2: service<Ec2Module>('ec2', loadEc2, (module, s): Client => new module.EC2Client({ ...s, ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }) }) as EC2Client & Client),
      in: other => sessionIn(other, signal),
      with: other => sessionIn(region, other),
      close() { for (const opened of clients.values()) void opened.then(({ client }) => client.destroy(), () => {}); },
    };
  }
  return sessionIn(access.region, options.signal);
}
