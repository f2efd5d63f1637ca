/** The container engine: where it is, whether it answers, and what its errors mean. Docker, and anything that speaks its API, such as Podman. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import { type BakeError, errors, exitCodes, isBakeError, messageOf } from '../../errors.js';
import type { PreflightProblem } from '../driver.js';
import { cancellation } from '../retry.js';

const exit = exitCodes.preflight;
export const fail = errors('DOCKER', {
  NO_ENGINE: {
    message: (host: string) => `No container engine is at ${host}.`, exit,
    remedy: 'Install and start one (Debian, Ubuntu: apt-get install docker.io), or say where it is with DOCKER_HOST. For Podman: systemctl --user start podman.socket.',
    explain: 'A docker source needs an engine that speaks Docker\'s API, and nothing listens where one would be.',
  },
  DENIED: {
    message: (host: string) => `You may not use the container engine at ${host}.`, exit,
    remedy: 'Add yourself to its group (sudo usermod -aG docker $USER) and log in again; members of that group have the rights of root.',
  },
  NO_ANSWER: { message: (host: string, why: string) => `The container engine at ${host} does not answer: ${why}.`, exit, remedy: 'Look whether it runs (systemctl status docker), and whether DOCKER_HOST or the context names the right one.' },
  HOST: { message: (host: string) => `'${host}' is no address of a container engine.`, exit, remedy: 'Write unix:///var/run/docker.sock, tcp://host:2376 or npipe:////./pipe/docker_engine.' },
  SSH: { message: (host: string) => `Engines over SSH (${host}) are not supported.`, exit, remedy: 'Forward the socket, and use that: ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock user@host, with DOCKER_HOST=unix:///tmp/engine.sock.' },
  CONTEXT: { message: (name: string) => `The Docker context '${name}' does not exist.`, exit, remedy: 'See `docker context ls`; or set DOCKER_HOST, or unset DOCKER_CONTEXT.' },
  OLD: { message: (host: string, api: string) => `The container engine at ${host} speaks version ${api} of the API, and 1.40 is the oldest that works.`, exit, remedy: 'Install a newer engine (Docker 19.03, Podman 3.4 or later).' },
  API: { message: (what: string, why: string) => `The container engine refused to ${what}: ${why}` },
  BUSY: { message: (what: string, why: string) => `The container engine could not ${what} just now: ${why}`, retryable: true },
  GONE: { message: (what: string) => `The container was gone when it was needed to ${what}.`, remedy: 'Something else removed or stopped it: a step that ended its first process, `docker rm`, or a restart of the engine.' },
});

export interface Engine {
  readonly docker: Dockerode;
  /** Its address, for people and for other processes. */
  readonly host: string;
  /** Makes a call, and says in the error what it was for: `commit the container`. */
  call<T>(what: string, work: (docker: Dockerode) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Opens the engine at `address`, else at DOCKER_HOST, at the current context's, or at the first usual socket that is there. Nothing is sent yet. */
export async function openEngine(address?: string, env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const { host, tls } = locate(address, env);
  const { default: Docker } = await import('dockerode');
  const docker = new Docker(optionsFor(host, tls) as Dockerode.DockerOptions);
  return {
    docker, host,
    async call(what, work, signal) {
      try { return await work(docker); }
      catch (error) { throw signal?.aborted ? cancellation(signal) : explain(error, host, what); }
    },
  };
}

/** Asks the engine whether it is there and new enough; what is wrong, as problems. */
export async function checkEngine(address: string | undefined): Promise<{ readonly engine?: Engine; readonly problems: readonly PreflightProblem[] }> {
  try {
    const engine = await openEngine(address);
    const { ApiVersion } = await withDeadline(engine.call('say its version', d => d.version()), 10_000, engine.host);
    const [, minor = '0'] = ApiVersion.split('.');
    if (Number(minor) < 40) throw fail.OLD(engine.host, ApiVersion);
    return { engine, problems: [] };
  } catch (error) {
    if (!isBakeError(error)) throw error;
    return { problems: [{ code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) }] };
  }
}

/** Whether a thing that was asked for is not there. */
export const isMissing = (error: unknown): boolean => statusOf(isBakeError(error) ? (error as Error).cause : error) === 404;
export const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number } | undefined)?.statusCode;

/** The engine's own words, without what the HTTP client puts around them. */
export function wordsOf(error: unknown): string {
  const { json } = error as { json?: { message?: string } };
  return (json?.message ?? messageOf(error).replace(/^\(HTTP code \d+\) .*? - /s, '')).trim();
}

function explain(error: unknown, host: string, what: string): BakeError {
  if (isBakeError(error)) return error;
  const code = (error as NodeJS.ErrnoException).code, cause = { cause: error };
  if (code === 'ENOENT') return fail.NO_ENGINE(host, cause);
  if (code === 'EACCES' || code === 'EPERM') return fail.DENIED(host, cause);
  if (code !== undefined) return fail.NO_ANSWER(host, messageOf(error), cause);
  const status = statusOf(error);
  if (status === 404 && /no such container/i.test(wordsOf(error))) return fail.GONE(what, cause);
  return (status !== undefined && (status === 429 || status === 503) ? fail.BUSY : fail.API)(what, wordsOf(error), cause);
}

async function withDeadline<T>(work: Promise<T>, milliseconds: number, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([work, new Promise<never>((_, reject) => { timer = setTimeout(() => reject(fail.NO_ANSWER(host, `nothing came for ${milliseconds / 1000} s`)), milliseconds); })]);
  } finally { clearTimeout(timer); }
}

interface Tls { readonly folder: string }

function locate(address: string | undefined, env: NodeJS.ProcessEnv): { host: string; tls?: Tls } {
  const own = env['DOCKER_CERT_PATH'] || dockerFolder(env);
  const tls = env['DOCKER_TLS_VERIFY'] ? { tls: { folder: own } } : {};
  if (address !== undefined) return { host: address, ...tls };
  if (env['DOCKER_HOST']) return { host: env['DOCKER_HOST'], ...tls };
  const context = env['DOCKER_CONTEXT'] || currentContext(env);
  if (context !== undefined && context !== 'default') return ofContext(context, env);
  if (process.platform === 'win32') return { host: 'npipe:////./pipe/docker_engine' };
  const runtime = env['XDG_RUNTIME_DIR'];
  const sockets = ['/var/run/docker.sock', ...(runtime ? [join(runtime, 'docker.sock')] : []), join(homedir(), '.docker/run/docker.sock'), ...(runtime ? [join(runtime, 'podman/podman.sock')] : []), '/run/podman/podman.sock'];
  return { host: `unix://${sockets.find(socket => existsSync(socket)) ?? sockets[0]}` };
}

/** Where `docker login` and `docker context` keep their settings. */
export const dockerFolder = (env: NodeJS.ProcessEnv): string => env['DOCKER_CONFIG'] || join(homedir(), '.docker');

function currentContext(env: NodeJS.ProcessEnv): string | undefined {
  try { return (JSON.parse(readFileSync(join(dockerFolder(env), 'config.json'), 'utf8')) as { currentContext?: string }).currentContext; } catch { return undefined; }
}

function ofContext(name: string, env: NodeJS.ProcessEnv): { host: string; tls?: Tls } {
  const id = createHash('sha256').update(name).digest('hex'), folder = join(dockerFolder(env), 'contexts');
  try {
    const meta = JSON.parse(readFileSync(join(folder, 'meta', id, 'meta.json'), 'utf8')) as { Endpoints: { docker: { Host: string } } };
    const tls = join(folder, 'tls', id, 'docker');
    return { host: meta.Endpoints.docker.Host, ...(existsSync(tls) ? { tls: { folder: tls } } : {}) };
  } catch (error) { throw fail.CONTEXT(name, { cause: error }); }
}

function optionsFor(host: string, tls: Tls | undefined): object {
  const socket = /^(?:unix|npipe):\/\/(\/.*)$/.exec(host)?.[1];
  if (socket !== undefined) return { socketPath: socket };
  let url: URL;
  try { url = new URL(host); } catch { throw fail.HOST(host); }
  if (url.protocol === 'ssh:') throw fail.SSH(host);
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') throw fail.HOST(host);
  const secure = tls !== undefined || url.protocol === 'https:';
  const pem = (name: string): object => {
    const file = tls && join(tls.folder, `${name}.pem`);
    return file && existsSync(file) ? { [name]: readFileSync(file) } : {};
  };
  return { protocol: secure ? 'https' : 'http', host: url.hostname, port: Number(url.port || (secure ? 2376 : 2375)), ...pem('ca'), ...pem('cert'), ...pem('key') };
}
