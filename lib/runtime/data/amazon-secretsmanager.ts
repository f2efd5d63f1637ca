import type { amazonSecretsmanager } from '../../constructs/data/amazon-secretsmanager.js';
import { errors, exitCodes } from '../../errors.js';
import { isObject } from '../../json.js';
import { reading } from '../aws/reading.js';
import { isGone } from '../aws/refusals.js';
import { loadSecretsManager } from '../aws/sdk.js';
import type { Client } from '../aws/session.js';
import type { DataDriver } from '../driver.js';
import { jsonOrNull } from '../formats/json-or-null.js';

const fail = errors('SECRET', {
  NOT_THERE: { message: (name: string, region: string) => `There is no secret '${name}' in ${region}, or not in this version.`, remedy: 'Look at its name, the region, versionId and versionStage.', exit: exitCodes.preflight },
  NO_KEY: {
    message: (name: string, key: string | undefined, has: string) => (key === undefined ? `The secret '${name}' has several members (${has}), and none is named.` : `The secret '${name}' has no member '${key}'. It has: ${has}.`),
    remedy: 'Name one of them: key: \'…\'; or use outputs.secretString for the whole.', exit: exitCodes.preflight,
  },
});

type Module = typeof import('@aws-sdk/client-secrets-manager');

export default {
  read: (props, ctx) => reading(props, ctx, async session => {
    const secrets = session.service<Module>('secretsmanager', loadSecretsManager, (m, settings) => new m.SecretsManagerClient(settings) as unknown as Client);
    const answer = await secrets('GetSecretValue', { SecretId: props.name, ...(props.versionId === undefined ? { VersionStage: props.versionStage } : { VersionId: props.versionId }) })
      .catch(error => { if (isGone(error)) throw fail.NOT_THERE(props.name, session.region, { cause: error }); throw error; });
    const { SecretString: text = '', SecretBinary: binary, VersionId: versionId = '' } = answer;
    return { value: member(text, props.name, props.key), secretString: text, secretBinary: binary === undefined ? '' : Buffer.from(binary).toString('base64'), versionId };
  }),
} satisfies DataDriver<typeof amazonSecretsmanager>;

/** A secret that is no JSON object is its own value. */
function member(text: string, name: string, key: string | undefined): string {
  const json = jsonOrNull(text);
  if (!isObject(json)) { if (key !== undefined) throw fail.NO_KEY(name, key, 'none'); return text; }
  const keys = Object.keys(json), wanted = key ?? (keys.length === 1 ? keys[0]! : undefined);
  if (wanted === undefined || !Object.hasOwn(json, wanted)) throw fail.NO_KEY(name, key, keys.join(', '));
  const value = json[wanted];
  return typeof value === 'string' ? value : JSON.stringify(value);
}
