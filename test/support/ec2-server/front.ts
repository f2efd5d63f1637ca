/** The front of an AWS server for tests: takes requests, checks them against the SDK's models, keeps a log, plays the faults that a test asks for, and hands on to what answers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { BadParameters, type Dialect, type Operation, operationOf, parseInput, writeError } from './wire.js';

export interface Call {
  /** `ec2:RunInstances` */
  readonly action: string;
  readonly region: string;
  readonly input: { readonly [name: string]: unknown };
  /** Access key id of the caller. */
  readonly caller: string;
  /** Counted from 1, over all calls. */
  readonly number: number;
}
export interface Answer { readonly status: number; readonly body: string; readonly type?: string }

/** A refusal, as AWS would give it. */
export class Refusal extends Error {
  constructor(readonly code: string, message: string, readonly status = 400) { super(message); }
}

export interface Fault {
  /** Name of the call: `CreateImage`. Dry runs do not count. */
  readonly call: string;
  readonly region?: string;
  /** Which of the calls that fit, counted from 1; all when left out. */
  readonly nth?: number | readonly number[];
  /** `drop-before`: the connection ends and nothing is done. `drop-after`: it is done, and the connection ends without an answer. */
  readonly then: { readonly code: string; readonly status?: number; readonly message?: string } | 'drop-before' | 'drop-after';
}

export interface Backend {
  /** Does what was asked and returns the answer. Throws Refusal. */
  answer(call: Call, operation: Operation, request: { readonly body: string; readonly headers: IncomingMessage['headers']; readonly path: string }): Promise<Answer>;
}

export interface Front extends AsyncDisposable {
  readonly url: string;
  readonly calls: Call[];
  faults: Fault[];
  /** Called when a call was carried out, before its answer is sent. */
  onCall: ((call: Call) => void | Promise<void>) | undefined;
  /** Faults of the test server itself, and requests that no model knows: a test looks that it is empty. */
  readonly complaints: string[];
}

const versions: { readonly [version: string]: { readonly prefix: string; readonly dialect: Dialect; readonly load: () => Promise<object> } } = {
  '2016-11-15': { prefix: 'ec2', dialect: 'ec2', load: () => import('@aws-sdk/client-ec2') },
  '2011-06-15': { prefix: 'sts', dialect: 'query', load: () => import('@aws-sdk/client-sts') },
  '2010-05-08': { prefix: 'iam', dialect: 'query', load: () => import('@aws-sdk/client-iam') },
};

/** Starts a front on loopback. `pass`: answers what is no query call (S3, SSM). */
export async function startFront(backend: Backend, pass?: (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void>): Promise<Front> {
  const calls: Call[] = [], complaints: string[] = [], counts = new Map<Fault, number>();
  const server = createServer((request, response) => { void handle(request, response); });
  const front: Front = {
    url: '', calls, faults: [], onCall: undefined, complaints,
    async [Symbol.asyncDispose]() { server.closeAllConnections(); await new Promise(resolve => server.close(resolve)); },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [], requestId = randomUUID();
    request.on('error', () => {});
    response.on('error', () => {});
    try { for await (const chunk of request) chunks.push(chunk as Buffer); } catch { return; }
    const raw = Buffer.concat(chunks), body = raw.toString('utf8'), parameters = new URLSearchParams(body), version = versions[parameters.get('Version') ?? ''];
    let dialect: Dialect = 'ec2';
    const send = ({ status, body: text, type = 'text/xml' }: Answer): void => { response.writeHead(status, { 'content-type': type }).end(text); };
    try {
      if (version === undefined) {
        if (pass) return await pass(request, raw, response);
        throw complain(`There is no API of version ${parameters.get('Version')} here: ${request.method} ${request.url} ${String(request.headers['x-amz-target'] ?? '')}`);
      }
      ({ dialect } = version);
      const name = parameters.get('Action') ?? '', operation = operationOf(await version.load(), name);
      if (operation === undefined) throw complain(`The model has no ${version.prefix}:${name}.`);
      const call: Call = {
        action: `${version.prefix}:${name}`, region: /Credential=[^/]+\/\d+\/([\w-]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'us-east-1',
        caller: /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'nobody',
        input: parseInput(operation, parameters, dialect), number: calls.length + 1,
      };
      calls.push(call);
      const fault = call.input['DryRun'] === true ? undefined : chosen(name, call.region);
      if (fault?.then === 'drop-before') { response.destroy(); return; }
      if (typeof fault?.then === 'object') throw new Refusal(fault.then.code, fault.then.message ?? `The test asked for ${fault.then.code}.`, fault.then.status ?? (/^Internal|Unavailable/.test(fault.then.code) ? 500 : 400));
      let answer: Answer | undefined, refused: unknown;
      try { answer = await backend.answer(call, operation, { body, headers: request.headers, path: request.url ?? '/' }); } catch (error) { refused = error; }
      await front.onCall?.(call);
      if (refused !== undefined) throw refused;
      if (fault?.then === 'drop-after') { response.destroy(); return; }
      send(answer!);
    } catch (error) {
      if (error instanceof Refusal) return send({ status: error.status, body: writeError(error.code, error.message, dialect, requestId) });
      complaints.push(String((error as Error).stack ?? error));
      send({ status: 400, body: writeError(error instanceof BadParameters ? error.code : 'NotHere', (error as Error).message, dialect, requestId) });
    }
  }
  const complain = (what: string): Error => new Error(what);
  function chosen(name: string, region: string): Fault | undefined {
    let hit: Fault | undefined;
    for (const fault of front.faults) {
      if (fault.call !== name || (fault.region !== undefined && fault.region !== region)) continue;
      const n = (counts.get(fault) ?? 0) + 1;
      counts.set(fault, n);
      if (fault.nth === undefined || [fault.nth].flat().includes(n)) hit ??= fault;
    }
    return hit;
  }
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '127.0.0.1', resolve); });
  (front as { url: string }).url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return front;
}
