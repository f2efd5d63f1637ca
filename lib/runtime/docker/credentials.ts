/** What `docker login` has stored for a registry, so that pulls and pushes work as they do on the command line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerFolder } from './engine.js';
import { capture } from '../host/process.js';

export interface Credentials { readonly username?: string; readonly password?: string; readonly identitytoken?: string; readonly serveraddress: string }
interface Config {
  readonly auths?: { readonly [server: string]: { readonly auth?: string; readonly identitytoken?: string } };
  readonly credHelpers?: { readonly [server: string]: string };
  readonly credsStore?: string;
}
const hub = 'https://index.docker.io/v1/';

/** `registry.example:5000` of `registry.example:5000/team/app:1`; Docker Hub's own for `debian:12`. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : hub;
}

/** The stored credentials for the registry of an image, or undefined. A broken store is as good as none: the registry then says what it wants. */
export async function storedCredentials(image: string, env: NodeJS.ProcessEnv = process.env): Promise<Credentials | undefined> {
  const server = registryOf(image);
  let config: Config;
  try { config = JSON.parse(readFileSync(join(dockerFolder(env), 'config.json'), 'utf8')) as Config; } catch { return undefined; }
  const helper = config.credHelpers?.[server] ?? config.credsStore;
  if (helper !== undefined) {
    try {
      const { Username, Secret } = JSON.parse(await capture(`docker-credential-${helper}`, ['get'], { stdin: server, timeout: 30_000 })) as { Username: string; Secret: string };
      return Username === '<token>' ? { identitytoken: Secret, serveraddress: server } : { username: Username, password: Secret, serveraddress: server };
    } catch { return undefined; }
  }
  const entry = config.auths?.[server] ?? config.auths?.[`https://${server}`] ?? config.auths?.[`https://${server}/v1/`];
  if (entry?.identitytoken !== undefined) return { identitytoken: entry.identitytoken, serveraddress: server };
  if (entry?.auth === undefined) return undefined;
  const [, username = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '')) ?? [];
  return { username, password, serveraddress: server };
}
