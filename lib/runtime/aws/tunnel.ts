/** A tunnel through the session manager, for instances that nobody can connect to: Amazon's own plugin carries it. */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { errors } from '../../errors.js';
import type { Context } from '../driver.js';
import { sleep } from '../retry.js';
import { awsCode } from './refusals.js';
import type { Session } from './session.js';
import { ssmOf } from './ssm.js';

const fail = errors('SSM', {
  NO_PLUGIN: {
    message: () => 'session-manager-plugin, which carries the tunnel, is not on the PATH.',
    remedy: 'Install it (docs.aws.amazon.com, "Install the Session Manager plugin"), or reach the instance another way (sshInterface).',
  },
  NOT_CONNECTED: {
    message: (id: string, last: string) => `The agent on ${id} does not register with the session manager: ${last}`,
    remedy: 'The image needs amazon-ssm-agent, the instance profile AmazonSSMManagedInstanceCore, and the subnet a way to the service.',
  },
});
const budget = 600_000;

/** Throws SSM_NO_PLUGIN where the plugin is not on the PATH. */
export async function checkPlugin(): Promise<void> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of process.platform === 'win32' ? ['session-manager-plugin.exe'] : ['session-manager-plugin']) {
      if (await access(join(folder, name), constants.X_OK).then(() => true, () => false)) return;
    }
  }
  throw fail.NO_PLUGIN();
}

/** Opens a tunnel to a port of the instance. A plugin that ends is started again: what counts is whether the guest's server answers, never what the plugin prints. */
export async function openTunnel(session: Session, id: string, port: number, props: { readonly sessionManagerPort?: number; readonly pauseBeforeSsm?: { readonly $duration: number } }, ctx: Pick<Context, 'signal' | 'note'> & { readonly scope: Pick<Context['scope'], 'defer'> }): Promise<{ readonly host: string; readonly port: number }> {
  if (props.pauseBeforeSsm) await sleep(props.pauseBeforeSsm.$duration, ctx.signal);
  const local = props.sessionManagerPort ?? await freePort(), ssm = ssmOf(session), ended = new AbortController();
  const signal = AbortSignal.any([ctx.signal, ended.signal]);
  const target = { Target: id, DocumentName: 'AWS-StartPortForwardingSession', Parameters: { portNumber: [String(port)], localPortNumber: [String(local)] } };
  const start = async (): Promise<import('@aws-sdk/client-ssm').StartSessionCommandOutput> => {
    for (let waited = 0, pause = session.access.polling?.delay ?? 3000; ; waited += pause) {
      try { return await ssm('StartSession', target); } catch (error) {
        if (awsCode(error) !== 'TargetNotConnected') throw error;
        if (waited > budget) throw fail.NOT_CONNECTED(id, (error as Error).message, { cause: error });
      }
      await sleep(pause, signal);
    }
  };
  const first = await start();
  let running: ReturnType<typeof spawn> | undefined;
  const carry = async (opened: typeof first): Promise<void> => {
    const { $metadata: _metadata, ...response } = opened;
    const endpoint = process.env['AWS_ENDPOINT_URL_SSM'] ?? process.env['AWS_ENDPOINT_URL'] ?? `https://ssm.${session.region}.amazonaws.com`;
    await new Promise<void>((resolve, reject) => {
      running = spawn('session-manager-plugin', [JSON.stringify(response), session.region, 'StartSession', session.access.profile ?? '', JSON.stringify(target), endpoint], { stdio: ['ignore', 'pipe', 'pipe'] });
      running.stdout?.on('data', (chunk: Buffer) => ctx.note(chunk.toString('utf8').trim(), { detail: true }));
      running.stderr?.on('data', (chunk: Buffer) => ctx.note(chunk.toString('utf8').trim(), { detail: true }));
      running.once('error', error => reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? fail.NO_PLUGIN() : error));
      running.once('close', () => resolve());
    });
    await ssm('TerminateSession', { SessionId: opened.SessionId! }).catch(() => {});
  };
  ctx.scope.defer('close the tunnel', () => { ended.abort(); running?.kill(); });
  const failed = new Promise<never>((_resolve, reject) => {
    void (async () => {
      for (let session_ = first; !signal.aborted; session_ = await start()) {
        await carry(session_);
        if (!signal.aborted) await sleep(500, signal);
      }
    })().catch(error => { if (!signal.aborted) reject(error); });
  });
  failed.catch(() => {});
  // A plugin that is not there shows at once.
  await Promise.race([failed, sleep(100, signal)]);
  return { host: '127.0.0.1', port: local };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}
