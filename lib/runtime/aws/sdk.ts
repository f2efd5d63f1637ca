/** The AWS SDK, loaded when a component first needs it; a program without AWS never does. */
import { errors, messageOf } from '../../errors.js';

const fail = errors('AWS', {
  NO_SDK: {
    message: (name: string, why: string) => `The package ${name}, which this component speaks to AWS with, cannot be loaded: ${why}`,
    remedy: (name: string) => `npm install ${name}`,
    explain: 'Clients of services that only single components need are not installed with imagebake.',
  },
});

export type Ec2Module = typeof import('@aws-sdk/client-ec2');
export type StsModule = typeof import('@aws-sdk/client-sts');

const loading = new Map<string, Promise<unknown>>();
function once<T>(name: string, load: () => Promise<T>): Promise<T> {
  // The SDK warns on standard error of Node versions that it will drop; that is for whoever updates it, not for who builds an image.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  let promise = loading.get(name) as Promise<T> | undefined;
  if (promise === undefined) loading.set(name, promise = load().catch(error => { throw fail.NO_SDK(name, messageOf(error), { cause: error }); }));
  return promise;
}

export const loadEc2 = () => once('@aws-sdk/client-ec2', () => import('@aws-sdk/client-ec2'));
export const loadSts = () => once('@aws-sdk/client-sts', () => import('@aws-sdk/client-sts'));
export const loadIam = () => once('@aws-sdk/client-iam', () => import('@aws-sdk/client-iam'));
export const loadSsm = () => once('@aws-sdk/client-ssm', () => import('@aws-sdk/client-ssm'));
export const loadS3 = () => once('@aws-sdk/client-s3', () => import('@aws-sdk/client-s3'));
export const loadSecretsManager = () => once('@aws-sdk/client-secrets-manager', () => import('@aws-sdk/client-secrets-manager'));
export const loadCredentials = () => once('@aws-sdk/credential-provider-node', () => import('@aws-sdk/credential-provider-node'));

type CommandsOf<M> = { [K in keyof M]: K extends `${infer A}Command` ? (M[K] extends new (...args: never[]) => unknown ? A : never) : never }[keyof M] & string;
type CommandOf<M, A extends string> = M[`${A}Command` & keyof M];
/** The calls of a client: `RunInstances` … */
export type CallOf<M> = CommandsOf<M>;
/** What a call takes. */
export type InputOf<M, A extends string> = CommandOf<M, A> extends new (...args: infer P) => unknown ? Exclude<P[0], undefined> : never;
/** What a call answers. */
export type OutputOf<M, A extends string> = CommandOf<M, A> extends new (...args: never[]) => { resolveMiddleware(...args: any[]): (...args: any[]) => Promise<{ output: infer O }> } ? O : never;
