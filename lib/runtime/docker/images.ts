/** Images of the engine: looked at, pulled, built from a Dockerfile. */
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type Dockerode from 'dockerode';
import { errors } from '../../errors.js';
import type { Context } from '../driver.js';
import { packFolder } from '../formats/tar.js';
import { type Credentials, storedCredentials } from './credentials.js';
import { type Engine, isMissing, statusOf, wordsOf } from './engine.js';

const fail = errors('DOCKER_IMAGE', {
  MISSING: { message: (image: string, host: string) => `The engine at ${host} has no image '${image}', and pull is false.`, remedy: 'Leave pull out, or bring the image there first (docker pull, docker load).' },
  PULL: { message: (image: string, why: string) => `The image '${image}' cannot be pulled: ${why}`, remedy: 'Look at its name and tag; for a private registry sign in with `docker login`, or set login, loginUsername and loginPassword.' },
  BUILD: { message: (path: string, why: string) => `The Dockerfile ${path} cannot be built: ${why}` },
  OUTSIDE: { message: (path: string, folder: string) => `The Dockerfile ${path} lies outside of ${folder}, and only that folder is sent to the engine.`, remedy: 'Set buildDir to a folder that holds the Dockerfile.' },
});

export type ImageInfo = Dockerode.ImageInspectInfo;

export async function inspectImage(engine: Engine, image: string): Promise<ImageInfo | undefined> {
  try { return await engine.call(`look at the image '${image}'`, d => d.getImage(image).inspect()); }
  catch (error) { if (isMissing(error)) return undefined; throw error; }
}

export interface PullSettings {
  /** Always, never, or (undefined) where the engine has no such image. */
  readonly pull?: boolean | undefined;
  readonly platform?: string | undefined;
  readonly credentials?: Credentials | undefined;
}

/** The image, pulled where it must be. */
export async function obtainImage(engine: Engine, image: string, settings: PullSettings, ctx: Context): Promise<ImageInfo> {
  const there = settings.pull === true ? undefined : await inspectImage(engine, image);
  if (there && (settings.pull === false || isFor(there, settings.platform))) return there;
  if (settings.pull === false) throw fail.MISSING(image, engine.host);
  await ctx.scope.step(`pull ${image}`, async () => {
    const authconfig = settings.credentials ?? await storedCredentials(image);
    if (authconfig?.password !== undefined) ctx.secret(authconfig.password);
    const name = /[@:][^/]*$/.test(image) ? image : `${image}:latest`;
    await follow(engine, `pull '${image}'`, ctx, d => d.pull(name, { ...(settings.platform ? { platform: settings.platform } : {}), ...(authconfig ? { authconfig } : {}), abortSignal: ctx.signal }), why => fail.PULL(image, why));
  });
  const pulled = await inspectImage(engine, image);
  if (!pulled) throw fail.PULL(image, 'the engine does not have it afterwards');
  return pulled;
}

/** Whether an image is for a platform: `linux/arm64`. */
export function isFor(image: ImageInfo, platform: string | undefined): boolean {
  if (platform === undefined) return true;
  const [os, architecture] = platform.split('/');
  return image.Os === os && (architecture === undefined || image.Architecture === architecture);
}

export interface DockerfileSettings { readonly path: string; readonly buildDir?: string; readonly arguments?: { readonly [name: string]: string }; readonly pull?: boolean; readonly compress?: boolean; readonly platform?: string }

/** Builds a Dockerfile; the image's id. */
export async function buildDockerfile(engine: Engine, settings: DockerfileSettings, ctx: Context): Promise<string> {
  const folder = settings.buildDir ?? dirname(settings.path), dockerfile = relative(folder, settings.path);
  if (dockerfile.startsWith('..')) throw fail.OUTSIDE(settings.path, folder);
  if (existsSync(join(folder, '.dockerignore'))) ctx.warn(`${join(folder, '.dockerignore')} is not applied: the whole folder goes to the engine.`, 'DOCKER_IGNORE');
  return ctx.scope.step(`build ${dockerfile}`, async () => {
    const tar = Readable.from(packFolder(folder)), sent = settings.compress === true ? tar.pipe(createGzip()) : tar;
    let id: string | undefined;
    const options = { dockerfile, rm: true, forcerm: true, ...(settings.pull === undefined ? {} : { pull: settings.pull }), ...(settings.platform ? { platform: settings.platform } : {}), ...(settings.arguments ? { buildargs: settings.arguments } : {}), abortSignal: ctx.signal };
    await follow(engine, 'build the Dockerfile', ctx, d => d.buildImage(sent, options as Dockerode.ImageBuildOptions), why => fail.BUILD(settings.path, why), message => {
      if (message.stream) ctx.output('stdout', message.stream);
      if (message.aux?.ID) id = message.aux.ID;
    });
    if (id === undefined) throw fail.BUILD(settings.path, 'the engine named no image');
    return id;
  });
}

/** One line of what the engine says while it pulls, pushes or builds. */
export interface EngineMessage { readonly stream?: string; readonly status?: string; readonly id?: string; readonly error?: string; readonly progressDetail?: { readonly current?: number; readonly total?: number }; readonly aux?: { readonly ID?: string; readonly Tag?: string; readonly Digest?: string } }

/** Reads the engine's messages to their end: bytes as progress, an error as the error it is. */
export async function follow(
  engine: Engine, what: string, ctx: Context, begin: (docker: Dockerode) => Promise<NodeJS.ReadableStream>, failed: (why: string) => Error, each: (message: EngineMessage) => void = () => {},
): Promise<void> {
  let stream: NodeJS.ReadableStream;
  try { stream = await engine.call(what, begin, ctx.signal); }
  catch (refused) { throw statusOf((refused as Error).cause) === undefined ? refused : failed(wordsOf((refused as Error).cause)); }
  const layers = new Map<string, { done: number; total: number }>();
  let error: string | undefined;
  const read = (message: EngineMessage): void => {
    if (message.error !== undefined) error ??= message.error;
    const { current, total } = message.progressDetail ?? {};
    if (message.id !== undefined && current !== undefined && total !== undefined && /^(Downloading|Pushing)/.test(message.status ?? '')) {
      layers.set(message.id, { done: current, total });
      const sum = (key: 'done' | 'total') => [...layers.values()].reduce((all, layer) => all + layer[key], 0);
      ctx.progress(what, sum('done'), sum('total'), 'bytes');
    }
    each(message);
  };
  await engine.call(what, async () => { for await (const message of messages(stream)) read(message); }, ctx.signal);
  if (error !== undefined) throw failed(error);
}

async function* messages(stream: NodeJS.ReadableStream): AsyncGenerator<EngineMessage> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as EngineMessage;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as EngineMessage;
}
