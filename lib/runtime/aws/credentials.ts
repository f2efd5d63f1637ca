/** Credentials: keys given, or the standard chain; then, where asked for, a role taken with them. */
import type { Access, Keys } from './session.js';
import { refusal } from './refusals.js';
import { loadCredentials, loadSts } from './sdk.js';

export interface Identity { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string; readonly expiration?: Date }
/** Asked by the SDK before the first call and again before the credentials end. */
export type Credentials = () => Promise<Identity>;

export function makeCredentials(access: Access, keys: Keys, run: string): Credentials {
  const base = baseCredentials(access, keys);
  const { assumeRole } = access;
  if (assumeRole === undefined) return base;
  return async () => {
    const { STSClient, AssumeRoleCommand } = await loadSts();
    const client = new STSClient({ region: access.region, credentials: base });
    try {
      const { Credentials: taken } = await client.send(new AssumeRoleCommand({
        RoleArn: assumeRole.roleArn, RoleSessionName: (assumeRole.sessionName ?? `imagebake-${run}`).replace(/[^\w+=,.@-]/g, '-').slice(0, 64),
        ...(assumeRole.externalId === undefined ? {} : { ExternalId: assumeRole.externalId }),
        ...(assumeRole.duration === undefined ? {} : { DurationSeconds: Math.round(assumeRole.duration.$duration / 1000) }),
        ...(assumeRole.policy === undefined ? {} : { Policy: assumeRole.policy }),
        ...(assumeRole.policyArns === undefined ? {} : { PolicyArns: assumeRole.policyArns.map(arn => ({ arn })) }),
        ...(assumeRole.tags === undefined ? {} : { Tags: Object.entries(assumeRole.tags).map(([Key, Value]) => ({ Key, Value })) }),
        ...(assumeRole.transitiveTagKeys === undefined ? {} : { TransitiveTagKeys: [...assumeRole.transitiveTagKeys] }),
      }));
      return {
        accessKeyId: taken!.AccessKeyId!, secretAccessKey: taken!.SecretAccessKey!, sessionToken: taken!.SessionToken!,
        ...(taken!.Expiration === undefined ? {} : { expiration: taken!.Expiration }),
      };
    } catch (error) {
      throw refusal('sts:AssumeRole', access.region, error);
    } finally {
      client.destroy();
    }
  };
}

function baseCredentials(access: Access, keys: Keys): Credentials {
  if (keys.accessKey !== undefined && keys.secretKey !== undefined) {
    const given = { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey, ...(keys.token === undefined ? {} : { sessionToken: keys.token }) };
    return async () => given;
  }
  let chain: Promise<Credentials> | undefined;
  return async () => {
    chain ??= loadCredentials().then(({ defaultProvider }) => defaultProvider({
      ...(access.profile === undefined ? {} : { profile: access.profile }), ...(access.sharedCredentialsFile === undefined ? {} : { filepath: access.sharedCredentialsFile }),
      ...(keys.mfaCode === undefined ? {} : { mfaCodeProvider: async () => keys.mfaCode! }), clientConfig: { region: access.region },
    }) as Credentials);
    return (await chain)();
  };
}
