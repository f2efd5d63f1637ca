/** What AWS says when it refuses, in our words: what was denied, what was throttled, what is not there. */
import { type BakeError, errors, isBakeError, messageOf } from '../../errors.js';

const fail = errors('AWS', {
  DENIED: {
    message: (action: string, said: string, _coded: string | undefined) => `AWS does not allow ${action}: ${said}`,
    remedy: (action: string, _said: string, coded: string | undefined) => `Allow ${action} to whom you build as. \`bake policy aws\` prints all that this program needs.${coded === undefined ? '' : ` Which policy it was: set decodeAuthorizationMessages, or run\naws sts decode-authorization-message --query DecodedMessage --output text --encoded-message ${coded}`}`,
    explain: 'The credentials are valid, and a policy denies this call, or none allows it. It is never tried again.',
  },
  CREDENTIALS: {
    message: (said: string) => `There are no valid AWS credentials: ${said}`,
    remedy: 'Log in (aws sso login, aws configure), set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the source a profile.',
  },
  EXPIRED: {
    message: (action: string, said: string) => `The AWS credentials ended before the build did, at ${action}: ${said}`,
    remedy: 'Log in again (aws sso login), then look whether something could not be removed (`bake gc`), and build again. A profile or a role is renewed by itself; keys with a token end when they end.',
  },
  UNREACHABLE: {
    message: (action: string, region: string, said: string) => `${action} in ${region} got no answer: ${said}`,
    remedy: 'Look at the name of the region, the network, and AWS_ENDPOINT_URL where it is set.',
    retryable: true,
  },
  NO_REGION: { message: (action: string, region: string, said: string) => `${action}: there is no service in '${region}': ${said}`, remedy: 'Look at the name of the region: eu-central-1, us-east-1 …' },
  BUSY: {
    message: (action: string, code: string, said: string) => `${action} was put off by AWS (${code}): ${said}`,
    remedy: 'Try again later, or build fewer images at once (--parallel).',
    retryable: true,
  },
  REFUSED: {
    message: (action: string, code: string, said: string) => `${action} failed: ${said} (${code})`,
    remedy: 'The message is AWS\'s own. Look at the value that it speaks of.',
  },
});

interface SdkError {
  readonly name?: string; readonly Code?: string; readonly code?: string; readonly message?: string; readonly $fault?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }; readonly $retryable?: { readonly throttling?: boolean };
}

const throttled = new Set([
  'RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'ThrottledException', 'RequestThrottled', 'RequestThrottledException', 'TooManyRequestsException', 'SlowDown',
  'EC2ThrottledException', 'BandwidthLimitExceeded', 'PriorRequestNotComplete', 'TransactionInProgressException',
]);
const faults = new Set(['InternalError', 'InternalFailure', 'Unavailable', 'ServiceUnavailable', 'ServiceUnavailableException', 'RequestTimeout', 'RequestTimeoutException', 'Server.InternalError']);
/** Codes that another type, zone or moment may not have; EC2 gives some of them as faults of its own. */
const capacity = new Set([
  'InsufficientInstanceCapacity', 'InsufficientHostCapacity', 'InsufficientReservedInstanceCapacity', 'InsufficientCapacity', 'Unsupported', 'InstanceLimitExceeded', 'VcpuLimitExceeded',
  'MaxSpotInstanceCountExceeded', 'SpotMaxPriceTooLow', 'UnfulfillableCapacity', 'ReservationCapacityExceeded', 'UnsupportedOperation',
]);
export const isCapacity = (code: string | undefined): boolean => code !== undefined && capacity.has(code);
const denied = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedException']);
const unknownCaller = new Set([
  'CredentialsProviderError', 'TokenProviderError', 'ProviderError', 'AuthFailure', 'InvalidClientTokenId', 'SignatureDoesNotMatch',
  'UnrecognizedClientException', 'MissingAuthenticationToken', 'IncompleteSignature', 'OptInRequired',
]);
const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired']);
const network = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'TimeoutError', 'NetworkingError', 'ECONNABORTED', 'UND_ERR_SOCKET']);

/** An SDK's error as ours. `action` is the policy's name of the call: `ec2:RunInstances`. The code that AWS gave is `facts.awsCode`. */
export function refusal(action: string, region: string, error: unknown): BakeError {
  if (isBakeError(error)) return error;
  const e = error as SdkError, code = e.name !== undefined && e.name !== 'Error' ? e.name : e.Code ?? e.code ?? 'Error', said = oneLine(messageOf(error));
  const status = e.$metadata?.httpStatusCode ?? 0;
  const more = { cause: error, facts: { action, region, awsCode: code, ...(e.$metadata?.requestId === undefined ? {} : { requestId: e.$metadata.requestId }) } };
  if (denied.has(code)) {
    const coded = encoded.exec(said)?.[1];
    return fail.DENIED(action, said.replace(encoded, ''), coded, { ...more, facts: { ...more.facts, ...(coded === undefined ? {} : { coded }) } });
  }
  if (expired.has(code)) return fail.EXPIRED(action, said, more);
  if (unknownCaller.has(code)) return fail.CREDENTIALS(said, more);
  if (capacity.has(code)) return fail.REFUSED(action, code, said, more);
  if (throttled.has(code) || faults.has(code) || e.$retryable?.throttling === true || status >= 500 || status === 429) return fail.BUSY(action, code, said, more);
  // A name that does not exist will not exist in a minute either: most often it is a region's.
  if (code === 'ENOTFOUND' || e.code === 'ENOTFOUND') return fail.NO_REGION(action, region, said, more);
  if (network.has(code) || network.has(e.code ?? '') || (status === 0 && e.$fault === undefined && /socket|connect|network|timed? ?out|hang up/i.test(said))) return fail.UNREACHABLE(action, region, said || code, more);
  return fail.REFUSED(action, code, said, more);
}

/** What AWS says of why it refused, in a form that only who may decode it can read. */
const encoded = / ?Encoded authorization failure message: ([\w-]+)/;

/** A coded refusal, decoded: who was denied what, on what, and whether a policy forbids it or none allows it. Where it has another form, AWS's own words. */
export function decodedRefusal(error: BakeError, decoded: string): BakeError {
  let said = decoded;
  try {
    const { explicitDeny, context: { principal, action, resource } } = JSON.parse(decoded) as { readonly explicitDeny: boolean; readonly context: { readonly principal: { readonly arn: string }; readonly action: string; readonly resource: string } };
    said = `${explicitDeny ? 'a policy forbids' : 'no policy allows'} ${principal.arn} to do ${action} on ${resource}`;
  } catch { /* AWS's own words */ }
  return fail.DENIED(String(error.facts['action']), said, undefined, { cause: error.cause, facts: { ...error.facts, decoded } });
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** The code that AWS gave: `InvalidAMIID.NotFound`; undefined where the error is none of AWS's. */
export function awsCode(error: unknown): string | undefined {
  return isBakeError(error) ? error.facts['awsCode'] as string | undefined : undefined;
}
/** Whether AWS says that something is not (or no longer) there. */
export function isGone(error: unknown): boolean {
  return /NotFound|^NoSuch|DoesNotExist|^InvalidAMIID\.Unavailable$|^InvalidConversionTaskId/.test(awsCode(error) ?? '') && !retryable(error);
}
export const isDenied = (error: unknown): boolean => isBakeError(error) && error.code === 'AWS_DENIED';
/** Throttling, a fault of the server, a lost answer: the call may be made again. */
export const retryable = (error: unknown): boolean => isBakeError(error) && error.retryable;
/** Whether the call may have been carried out although no answer came. */
export const ambiguous = (error: unknown): boolean => isBakeError(error) && (error.code === 'AWS_UNREACHABLE' || (error.code === 'AWS_BUSY' && !throttled.has(awsCode(error) ?? '')) || error.code === 'WAIT_TOO_LONG');
