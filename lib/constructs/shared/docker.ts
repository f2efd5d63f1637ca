/** What kinds that speak to container engines and registries have in common. */
import { field, type Fields } from '../../fields.js';

/** What is wrong with the name of a repository, or undefined. */
export function repositoryProblem(name: string): string | undefined {
  if (/^[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*(:\d+)?(\/[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*)*$/.test(name) && !/^[^/]*:\d+$/.test(name)) return undefined;
  return `'${name}' is no name of a repository: small letters, digits, and . _ - between them, without a tag`;
}

/** What is wrong with a list of tags, or undefined. */
export function tagProblem(tags: readonly unknown[]): string | undefined {
  const bad = tags.find(tag => typeof tag === 'string' && !/^\w[\w.-]{0,127}$/.test(tag));
  return bad === undefined ? undefined : `'${String(bad)}' is no tag: letters, digits, and . _ - after the first, at most 128 of them`;
}

const loginTable = {
  /** Signs in to the registry with the name and password here. Without it, what `docker login` has stored is used. */
  login: field.boolean({ affects: 'none' }),
  /** Registry to sign in to; the image's when left out. */
  loginServer: field.string({ affects: 'none' }),
  /** User name for the registry. */
  loginUsername: field.string({ affects: 'none' }),
  /** Password or token for the registry. */
  loginPassword: field.secret({ affects: 'none' }),
};
type LoginTable = typeof loginTable;
export interface RegistryLoginFields extends LoginTable {}
/** Signing in to a registry of images. */
export const registryLoginFields: RegistryLoginFields = loginTable satisfies Fields;

/** Why Packer's options for Amazon's registry are not here, for the lists of the kinds that would have them. */
export const ecrWithout: { readonly [option: string]: string } = Object.fromEntries(
  ['ecr_login', 'aws_access_key', 'aws_secret_key', 'aws_token', 'aws_profile', 'aws_force_use_public_ecr'].map(option =>
    [option, `Sign in with login: true, loginUsername: 'AWS' and loginPassword: Secret.command(['aws', 'ecr', 'get-login-password']).`]));
