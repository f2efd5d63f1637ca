/**
 * What a guest is told at its first boot: a key to let us in and a host key to know it by. Two ways at once, each ignored by guests that do not know it:
 * a NoCloud seed for cloud-init, and a systemd credential (version 252 and later) for images without it.
 */
import { iso9660 } from '../../formats/iso9660.js';
import type { SshKeyPair } from '../../communicators/ssh/key-pair.js';

export interface SeedKeys {
  readonly user: string;
  /** The key that we log in with. */
  readonly login: SshKeyPair;
  /** The key that the guest's SSH server shows. */
  readonly host: SshKeyPair;
}
export interface CloudInit {
  readonly userData?: string | undefined;
  readonly metaData?: string | undefined;
  readonly networkConfig?: string | undefined;
}

/** Where the credential puts the host key and the setting that makes sshd show it; both are removed before capture. Not `ssh_host_…`: what looks for the machine's own keys must not take it for one. */
export const hostKeyFile = '/etc/ssh/imagebake_host_key';
/** What it was called before: machines that were saved then have it. */
export const formerHostKeyFile = '/etc/ssh/ssh_host_imagebake_key';
export const hostKeySetting = '/etc/ssh/sshd_config.d/00-imagebake.conf';

/** The NoCloud files: label `cidata`. `id` makes the instance a new one for cloud-init. */
export function noCloudFiles(id: string, keys: SeedKeys | undefined, cloudInit: CloudInit = {}): { readonly [path: string]: string } {
  const ours = keys === undefined ? undefined : userData(keys);
  return {
    'meta-data': cloudInit.metaData ?? `${JSON.stringify({ 'instance-id': id })}\n`,
    'user-data': cloudInit.userData === undefined ? ours ?? '#cloud-config\n{}\n' : ours === undefined ? cloudInit.userData : multipart([cloudInit.userData, ours]),
    ...(cloudInit.networkConfig === undefined ? {} : { 'network-config': cloudInit.networkConfig }),
  };
}

/** The seed as a disc. */
export function noCloudSeed(id: string, keys: SeedKeys | undefined, cloudInit: CloudInit = {}): Uint8Array {
  return iso9660('cidata', noCloudFiles(id, keys, cloudInit));
}

/** As cloud-init names it. */
const kindOf = ({ publicKey }: SshKeyPair): string => (publicKey.startsWith('ssh-rsa') ? 'rsa' : publicKey.startsWith('ecdsa') ? 'ecdsa' : 'ed25519');

// JSON is YAML, and needs no quoting of its own.
function userData({ user, login, host }: SeedKeys): string {
  return `#cloud-config\n${JSON.stringify({
    // Where the user gave a cloud-config too: ours fills in, and never replaces.
    merge_how: 'dict(no_replace,recurse_list)+list(append)',
    ...(user === 'root' ? { disable_root: false } : {
      users: ['default', { name: user, sudo: 'ALL=(ALL) NOPASSWD:ALL', shell: '/bin/sh', lock_passwd: true, ssh_authorized_keys: [login.publicKey] }],
    }),
    ssh_authorized_keys: [login.publicKey],
    ssh_keys: { [`${kindOf(host)}_private`]: host.privateKey, [`${kindOf(host)}_public`]: host.publicKey },
  }, undefined, 1)}\n`;
}

/** Several user-data texts in one: scripts and cloud-configs alike. */
function multipart(parts: readonly string[]): string {
  const border = '=_imagebake_part';
  const typeOf = (part: string): string => part.startsWith('#!') ? 'text/x-shellscript' : part.startsWith('#cloud-boothook') ? 'text/cloud-boothook' : part.startsWith('#include') ? 'text/x-include-url'
    : part.startsWith('## template: jinja') ? 'text/jinja2' : part.startsWith('Content-Type:') || part.startsWith('MIME-Version:') ? 'message/rfc822' : 'text/cloud-config';
  return [`Content-Type: multipart/mixed; boundary="${border}"`, 'MIME-Version: 1.0', '',
    ...parts.flatMap(part => [`--${border}`, `Content-Type: ${typeOf(part)}; charset="utf-8"`, 'Content-Transfer-Encoding: base64', '', Buffer.from(part, 'utf8').toString('base64').replace(/.{1,76}/g, '$&\n')]),
    `--${border}--`, ''].join('\n');
}

/** Lines for systemd's credential `tmpfiles.extra`. A line for a user that the guest does not have is skipped there. */
export function credential({ user, login, host }: SeedKeys): string {
  const home = user === 'root' ? '/root' : `/home/${user}`, base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return [
    `d ${home}/.ssh 0700 ${user} ${user} -`,
    `f ${home}/.ssh/authorized_keys 0600 ${user} ${user} -`,
    // A file that ends without a newline must not swallow our line.
    `w+~ ${home}/.ssh/authorized_keys - - - - ${base64(`\n${login.publicKey}\n`)}`,
    `f+~ ${hostKeyFile} 0600 root root - ${base64(host.privateKey)}`,
    'd /etc/ssh/sshd_config.d 0755 root root -',
    `f+~ ${hostKeySetting} 0600 root root - ${base64(`HostKey ${hostKeyFile}\n`)}`,
    '',
  ].join('\n');
}
