/** moto, an EC2 that others wrote, behind our front: requests are held to the SDK's models and logged, faults are played, and real SSH servers stand behind its instances. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type IncomingHttpHeaders, request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Front, Refusal, startFront } from '../ec2-server/front.js';
import type { Guests } from '../ec2-server/server.js';
import { freePort } from '../ec2-server/guests.js';
import { openDoor } from '../door.js';

/** Where .ci/run installs it, with pip. */
export const motoFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'imagebake-test', 'moto-5.2.5');

export interface Moto extends AsyncDisposable { /** A call with the token of an earlier one is another call. */ readonly ignoresTokens: true; readonly front: Front; readonly url: string; readonly environment: { readonly [name: string]: string } }

export async function startMoto(options: { readonly guests?: Guests; readonly environment?: { readonly [name: string]: string } } = {}): Promise<Moto> {
  const here = fileURLToPath(new URL('.', import.meta.url)), port = await freePort(), url = `http://127.0.0.1:${port}`;
  const child = spawn(join(motoFolder, 'bin', 'python'), [join(here, 'launch.py'), String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env, MOTO_EC2_LOAD_DEFAULT_AMIS: 'false', MOTO_AMIS_PATH: join(here, 'images.json'), MOTO_ENABLE_AMI_VALIDATION: 'true', MOTO_ENABLE_KEYPAIR_VALIDATION: 'true', MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: 'true', ...options.environment,
    },
  });
  await ready(child, url);
  // The key that an instance was started with, by its name; and the doors at the instances' addresses.
  const keys = new Map<string, string>(), doors = new Map<string, () => Promise<void>>();
  const front = await startFront({
    async answer(call, _operation, asked) {
      // moto does these although it is asked for a dry run, or does not know them.
      if (call.input['DryRun'] === true && /:(ModifyInstanceAttribute|ModifyImageAttribute|CreateFleet|GetConsoleOutput|DisableImageDeregistrationProtection)$/.test(call.action)) throw new Refusal('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
      const answer = await forward(port, 'POST', asked.path, asked.headers, Buffer.from(asked.body)), body = answer.body.toString('utf8');
      if (call.action === 'ec2:ImportKeyPair' && answer.status === 200) keys.set(String(call.input['KeyName']), Buffer.from(call.input['PublicKeyMaterial'] as Uint8Array).toString('utf8'));
      if (call.action === 'ec2:DescribeInstances' && options.guests) await openInstanceDoor(body, options.guests);
      return { status: answer.status, body };
    },
  }, async (asked, body, response) => {
    const answer = await forward(port, asked.method!, asked.url!, asked.headers, body);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });

  async function openInstanceDoor(xml: string, guests: Guests): Promise<void> {
    const state = /<instanceState>.*?<name>(\w+)<\/name>/s.exec(xml)?.[1], address = /<ipAddress>(127\.[\d.]+)<\/ipAddress>/.exec(xml)?.[1], key = /<keyName>([^<]+)<\/keyName>/.exec(xml)?.[1];
    if (state !== 'running' || address === undefined || doors.has(address)) return;
    doors.set(address, async () => {});
    const guest = await guests.start(key === undefined ? undefined : keys.get(key));
    const close = await openDoor(address, guests.port, guest);
    doors.set(address, async () => { close(); await guest.stop(); });
  }

  return {
    front, url, ignoresTokens: true,
    environment: { AWS_ENDPOINT_URL: front.url, AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await Promise.all([...doors.values()].map(close => close()));
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Every header as it came, Host too: it is signed. */
function forward(port: number, method: string, path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const { connection: _connection, expect: _expect, 'transfer-encoding': _encoding, ...rest } = headers;
    const out = request({ host: '127.0.0.1', port, method, path, headers: { ...rest, 'content-length': body.length } }, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject).once('end', () => {
        const { connection: _c, 'transfer-encoding': _t, ...kept } = answer.headers;
        resolve({ status: answer.statusCode ?? 500, headers: kept, body: Buffer.concat(chunks) });
      });
    });
    out.once('error', reject);
    out.end(body);
  });
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  let said = '', ended = false;
  child.stderr!.on('data', chunk => { said = (said + String(chunk)).slice(-4000); });
  child.stdout!.on('data', () => {});
  child.once('exit', () => { ended = true; });
  for (let i = 0; i < 1200; i++) {
    if (ended) throw new Error(`moto ended: ${said}`);
    if (await fetch(`${url}/moto-api/`, { signal: AbortSignal.timeout(5000) }).then(a => a.ok, () => false)) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`moto does not answer: ${said}`);
}
