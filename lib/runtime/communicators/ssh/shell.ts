/** An interactive shell on a kept machine, by the computer's own ssh. */
import { spawn } from 'node:child_process';
import { errors } from '../../../errors.js';
import type { Endpoint } from '../../driver.js';

const fail = errors('SHELL', {
  NONE: { message: (type: string) => `The machine has no shell to open (communicator: ${type}).`, remedy: 'Look at it through its screen or its serial log.' },
  NO_SSH: { message: () => 'The program ssh is not installed.', remedy: 'Install it: apt-get install openssh-client (Debian, Ubuntu).' },
});

/** Runs ssh on this terminal; its exit code. The guest's key is known by its host alone: a tunnel has another port each time. */
export function shell(endpoint: Endpoint): Promise<number> {
  if (endpoint.type !== 'ssh') throw fail.NONE(endpoint.type);
  const args = [
    '-p', String(endpoint.port),
    ...(endpoint.identityFile === undefined ? [] : ['-i', endpoint.identityFile, '-o', 'IdentitiesOnly=yes']),
    ...(endpoint.knownHostsFile === undefined ? ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'] : ['-o', `UserKnownHostsFile=${endpoint.knownHostsFile}`, '-o', 'StrictHostKeyChecking=yes', '-o', `HostKeyAlias=${endpoint.host}`]),
    ...(endpoint.proxyCommand === undefined ? [] : ['-o', `ProxyCommand=${endpoint.proxyCommand}`]),
    `${endpoint.user}@${endpoint.host}`,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', args, { stdio: 'inherit' });
    child.once('error', () => reject(fail.NO_SSH()));
    child.once('exit', code => resolve(code ?? 255));
  });
}
