import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ContainerCreateOptions } from 'dockerode';
import type { docker } from '../../constructs/sources/docker.js';
import { errors, isBakeError } from '../../errors.js';
import type { Json } from '../../json.js';
import type { Resolved } from '../../kinds.js';
import { connectDocker } from '../communicators/docker.js';
import { attachShell } from '../docker/attach.js';
import { checkEngine, type Engine, isMissing, openEngine } from '../docker/engine.js';
import { buildDockerfile, type ImageInfo, inspectImage, isFor, obtainImage } from '../docker/images.js';
import { saveStream } from '../docker/named-image.js';
import { deviceOf, parseRunArguments } from '../docker/run-arguments.js';
import { sleep, soon, throwIfAborted } from '../retry.js';
import type { Artifact, Context, JournalEntry, Leftover, Machine, PreflightProblem, Saved, SourceDriver } from '../driver.js';
import { fileRef } from '../host/file-ref.js';
import { outputProblem } from '../host/place.js';

const fail = errors('DOCKER', {
  EXITED: {
    message: (image: string, code: number, said: string) => `The container of ${image} ended at once, with code ${code}.${said === '' ? '' : `\n${said}`}`,
    remedy: 'It must go on running: with runCommand, name a command that does (/bin/sh, /sbin/init).',
  },
  NO_LAYER: { message: (image: string) => `The saved image ${image}, or the one below it, is not there any more.` },
  NO_SHELL: { message: (image: string, why: string) => `The image ${image} has no /bin/sh to run steps with: ${why}`, remedy: 'Start from an image with a shell; one made from scratch can be filled by a Dockerfile (build).' },
});
type Props = Resolved<typeof docker>;
/** What a saved container is: the image that was made of it, our name for that, and the image below. */
interface SavedLayer { readonly host: string; readonly image: string; readonly reference: string; readonly base: string }
const shell = ['/bin/sh'];
const checkpoints = 'imagebake-checkpoint';

/** What a container of ours is known by. */
interface Place { readonly host: string; readonly name: string }

export default {
  async preflight(props, ctx) {
    const { engine, problems } = await checkEngine(props.dockerHost);
    const all: PreflightProblem[] = [...problems];
    try { parseRunArguments(props.runCommand ?? []); }
    catch (error) { if (!isBakeError(error)) throw error; all.push({ code: error.code, message: error.message, field: 'runCommand', ...(error.remedy === undefined ? {} : { remedy: error.remedy }) }); }
    if (props.exportPath !== undefined) all.push(...[await outputProblem(props.exportPath, ctx.force, 'exportPath')].filter(p => p !== undefined));
    if (engine && props.pull === false && props.image !== undefined && !await inspectImage(engine, props.image)) {
      all.push({ code: 'DOCKER_IMAGE_MISSING', message: `The engine at ${engine.host} has no image '${props.image}', and pull is false.`, field: 'image', remedy: 'Leave pull out, or bring the image there first (docker pull, docker load).' });
    }
    return all;
  },

  async start(props, ctx) {
    const engine = await openEngine(props.dockerHost), base = await baseImage(engine, props, ctx);
    ctx.note(`from ${props.image ?? props.from?.target ?? 'the Dockerfile'} (${base.Id.slice(0, 19)})`);
    return run(engine, base, props, ctx);
  },

  async identify(props, ctx, fetch) {
    // The base of another target comes only with its result.
    const name = props.from?.id ?? props.image;
    if (name === undefined && !props.build) return undefined;
    const engine = await openEngine(props.dockerHost);
    if (fetch) return [engine.host, (await baseImage(engine, props, ctx)).Id];
    // A Dockerfile is built, and a registry asked, only to build.
    const there = name === undefined || props.pull === true ? undefined : await inspectImage(engine, name);
    return there && isFor(there, props.platform) ? [engine.host, there.Id] : undefined;
  },

  async resume(props, saved, ctx) {
    const engine = await openEngine(props.dockerHost), { image, base } = saved.data as unknown as SavedLayer;
    const [top, bottom] = await Promise.all([inspectImage(engine, image), inspectImage(engine, base)]);
    if (!top || !bottom) throw fail.NO_LAYER(image);
    return run(engine, bottom, props, ctx, top.Id);
  },

  async intact(saved) {
    const { host, image, base } = saved.data as unknown as SavedLayer, engine = await openEngine(host);
    return (await Promise.all([inspectImage(engine, image), inspectImage(engine, base)])).every(there => there !== undefined);
  },

  async forget(saved) {
    const { host, reference } = saved.data as unknown as SavedLayer;
    await removeLayer(await openEngine(host), reference);
  },

  async boot(artifact, props, ctx) {
    const engine = await openEngine(props.dockerHost);
    const image = await inspectImage(engine, artifact.id);
    if (!image) throw fail.EXITED(artifact.id, 0, 'the image is not there any more');
    return run(engine, image, props, ctx, image.Id, 'own');
  },

  async present(artifact) {
    for (const file of artifact.files) {
      const there = await stat(file.path).catch(() => undefined);
      if (there?.size !== file.size || (await fileRef(file.path)).digest !== file.digest) return false;
    }
    const { host } = artifact.data as { host?: string };
    return artifact.files.length > 0 || artifact.id === 'discarded' || await inspectImage(await openEngine(host), artifact.id) !== undefined;
  },

  async destroy(artifact) {
    const { host } = artifact.data as { host?: string };
    if (artifact.id.startsWith('sha256:')) await removeImage(await openEngine(host), artifact.id);
  },

  async reap(entry: Leftover) {
    const { host, name } = entry.data as unknown as Place;
    const engine = await openEngine(host), remove = () => (entry.what === 'container' ? removeContainer(engine, name) : removeNameless(engine, name));
    await remove();
    // The engine may still be making what a process asked for in its last moment.
    if (entry.state === 'intended') { await sleep(1000); await remove(); }
  },

  async shell(kept) {
    const { host, name, user } = kept as { host: string; name: string; user?: string };
    return attachShell(await openEngine(host), name, user);
  },
} satisfies SourceDriver<typeof docker>;

async function baseImage(engine: Engine, props: Props, ctx: Context): Promise<ImageInfo> {
  if (props.from) return obtainImage(engine, props.from.id, { pull: false }, ctx);
  if (props.build) {
    const id = await buildDockerfile(engine, { ...props.build, ...(props.platform === undefined ? {} : { platform: props.platform }) }, ctx);
    return obtainImage(engine, id, { pull: false }, ctx);
  }
  const credentials = props.login === true ? { username: props.loginUsername ?? '', password: props.loginPassword ?? '', serveraddress: props.loginServer ?? '' } : undefined;
  return obtainImage(engine, props.image!, { pull: props.pull, platform: props.platform, credentials }, ctx);
}

/**
 * Runs a container. `base` is the image whose configuration the result inherits, `top` the one to run where that is another.
 * `own`: what the image itself starts, for tests of it; a shell where that ends at once.
 */
async function run(engine: Engine, base: ImageInfo, props: Props, ctx: Context, top = base.Id, starts: 'shell' | 'own' = 'shell'): Promise<Machine<typeof docker>> {
  const name = nameOf(ctx), place: Place = { host: engine.host, name };
  const settings = describe(base, props, ctx, starts);
  const entry = await ctx.journal.intend({ driver: 'source/docker', what: 'container', name, data: { ...place } });
  // Until the target is done its image is a result of nothing; afterwards it is the user's.
  const images: JournalEntry[] = [];
  ctx.scope.defer('remove the container', async ending => {
    if (ending.outcome === 'kept') return;
    await removeContainer(engine, name);
    for (const made of [entry, ...images]) await made.gone();
  });
  const create = (options: ContainerCreateOptions) => engine.call('make a container', d => d.createContainer({ ...options, name, Image: top, ...(props.platform === undefined ? {} : { platform: props.platform }) }));
  const start = async (container: { id: string }) => {
    try { await engine.call('start the container', d => d.getContainer(container.id).start()); }
    catch (error) {
      if (/exec: "?\/bin\/sh"?.*(no such file|not found)/s.test((error as Error).message)) throw fail.NO_SHELL(top, (error as Error).message, { cause: error });
      throw error;
    }
  };
  const container = await create(settings);
  await entry.made();
  await start(container);
  // Our shell waits for input; any other first process may be about to end, and the engine still says that it runs.
  if (starts === 'own' || props.runCommand) await endOf(engine, name, ctx.signal);
  let info = await engine.call('look at the container', d => d.getContainer(container.id).inspect());
  if (!info.State.Running && starts === 'own') {
    await removeContainer(engine, name);
    await start(await create(describe(base, props, ctx, 'shell')));
    info = await engine.call('look at the container', d => d.getContainer(name).inspect());
  }
  if (!info.State.Running) throw fail.EXITED(props.image ?? top, info.State.ExitCode, await lastWords(engine, name));
  if (starts === 'shell' && Object.keys(base.Config.Volumes ?? {}).length > 0) {
    ctx.warn(`The image declares volumes (${Object.keys(base.Config.Volumes).join(', ')}): what steps write there will not be in the result.`, 'DOCKER_VOLUMES');
  }
  const user = props.execUser ?? (info.Config.User || undefined);
  return {
    connect: ctx => connectDocker({ engine, container: name, user, pty: props.pty, ownUploads: props.fixUploadOwner }, ctx.signal),
    capture: (changed, ctx) => capture(engine, name, base, changed as Props, ctx, images),
    save: ctx => save(engine, name, base, ctx),
    hostValues: { guestHost: addressOf(info), guestPort: '0', guestUser: user ?? 'root' },
    keep: async (): Promise<Json> => ({ ...place, ...(user === undefined ? {} : { user }) }),
  };
}

/** Waits for the end of a first process that ends at once; for no longer than it takes to know that it does not. */
async function endOf(engine: Engine, name: string, signal: AbortSignal): Promise<void> {
  const enough = soon(1500, signal);
  await engine.call('wait for the container', d => d.getContainer(name).wait({ abortSignal: enough })).catch(error => {
    if (!enough.aborted) throw error;
  });
  throwIfAborted(signal);
}

function addressOf(info: { readonly NetworkSettings: { readonly IPAddress?: string; readonly Networks?: { readonly [name: string]: { readonly IPAddress?: string } } } }): string {
  return info.NetworkSettings.IPAddress || Object.values(info.NetworkSettings.Networks ?? {}).map(n => n.IPAddress).find(Boolean) || '';
}

/**
 * The container's description. A shell that waits for input keeps it running. Where the image has an entry point, ours takes its place; where
 * not, only the command is ours: a committed image would inherit an entry point that its base never had.
 */
function describe(base: ImageInfo, props: Props, ctx: Context, starts: 'shell' | 'own'): ContainerCreateOptions {
  const given = parseRunArguments(props.runCommand ?? []), hasEntrypoint = (base.Config.Entrypoint ?? []).length > 0;
  const wanted = [...(given.entrypoint ?? (given.command ? [] : shell)), ...(given.command ?? [])];
  const process = starts === 'own' ? {} : hasEntrypoint && !(given.command && !given.entrypoint) ? { Entrypoint: wanted, Cmd: [] } : { Cmd: wanted };
  const binds = Object.entries(props.volumes ?? {}).map(([from, to]) => `${/^\.{0,2}\//.test(from) ? resolve(ctx.programFolder, from) : from}:${to}`);
  const tmpfs = Object.fromEntries((props.tmpfs ?? []).map(text => { const [path = '', ...options] = text.split(':'); return [path, options.join(':')]; }));
  return {
    OpenStdin: true, ...process, ...(base.Config.Healthcheck && starts === 'shell' ? { Healthcheck: { Test: ['NONE'] } } : {}), ...given.config,
    HostConfig: {
      ...given.host,
      ...listed('Binds', [...(given.host['Binds'] as string[] ?? []), ...binds]), ...listed('CapAdd', [...(given.host['CapAdd'] as string[] ?? []), ...(props.capAdd ?? [])]),
      ...listed('CapDrop', [...(given.host['CapDrop'] as string[] ?? []), ...(props.capDrop ?? [])]), ...listed('Devices', [...(given.host['Devices'] as object[] ?? []), ...(props.device ?? []).map(deviceOf)]),
      ...(props.tmpfs ? { Tmpfs: { ...(given.host['Tmpfs'] as object ?? {}), ...tmpfs } } : {}), ...(props.privileged ? { Privileged: true } : {}), ...(props.runtime === undefined ? {} : { Runtime: props.runtime }),
    },
  } as ContainerCreateOptions;
}

const listed = (key: string, list: readonly unknown[]): object => (list.length > 0 ? { [key]: list } : {});

/** `imagebake-<run>-<target>`: labels would be inherited by the committed image, a name is not. */
function nameOf(ctx: Context): string {
  const unique = Math.random().toString(36).slice(2, 6);
  return `imagebake-${ctx.run.id}-${ctx.target}-${unique}`.replace(/[^a-zA-Z0-9_.-]+/g, '_');
}

async function capture(engine: Engine, name: string, base: ImageInfo, props: Props, ctx: Context, images: JournalEntry[]): Promise<Artifact> {
  const made = { madeBy: 'source/docker', data: { host: engine.host } };
  if (props.exportPath !== undefined) {
    const stream = await engine.call('export the container', d => d.getContainer(name).export({ abortSignal: ctx.signal }), ctx.signal);
    const file = await engine.call('export the container', () => saveStream(props.exportPath!, stream, ctx), ctx.signal);
    return { ...made, id: file.path, files: [file], outputs: { path: file.path, digest: file.digest } };
  }
  if (props.commit !== true) return { ...made, id: 'discarded', files: [], outputs: {} };
  const entry = await ctx.journal.intend({ driver: 'source/docker', what: 'image', name: `image of ${ctx.target}`, data: { host: engine.host, name: '' } });
  images.push(entry);
  const id = await commit(engine, name, base, { author: props.author, comment: props.message, changes: props.changes });
  await entry.made({ host: engine.host, name: id });
  return { ...made, id, files: [], outputs: { imageId: id, digest: id } };
}

/** An image of the container as it is now, with the configuration of its base: what we started it with is not in it. */
async function commit(engine: Engine, name: string, base: ImageInfo, options: { readonly author?: string | undefined; readonly comment?: string | undefined; readonly changes?: readonly string[] | undefined; readonly repo?: string; readonly tag?: string }): Promise<string> {
  const { changes = [], ...rest } = options;
  const config = Object.fromEntries(Object.entries(base.Config).filter(([key]) => !['Hostname', 'Domainname', 'Image', 'Tty', 'OpenStdin', 'StdinOnce', 'AttachStdin', 'AttachStdout', 'AttachStderr'].includes(key)));
  const answer = await engine.call('commit the container', d => d.getContainer(name).commit({ _query: { ...rest, container: name, ...(changes.length > 0 ? { changes: changes.join('\n') } : {}), pause: true }, _body: config } as never) as unknown as Promise<{ Id: string }>);
  return answer.Id;
}

/** A committed layer, with a name of its own so that nobody takes it for rubbish. */
async function save(engine: Engine, name: string, base: ImageInfo, ctx: Context): Promise<Saved> {
  const tag = `${ctx.run.id}-${Math.random().toString(36).slice(2, 8)}`.replace(/[^\w.-]/g, '_'), reference = `${checkpoints}:${tag}`;
  const entry = await ctx.journal.intend({ driver: 'source/docker', what: 'checkpoint image', name: reference, data: { host: engine.host, name: reference } });
  let image: string;
  try { image = await commit(engine, name, base, { repo: checkpoints, tag }); }
  catch (error) {
    await removeLayer(engine, reference).then(() => entry.gone(), () => {});
    throw error;
  }
  const size = (await inspectImage(engine, image))?.Size ?? base.Size;
  return { fits: null, data: { host: engine.host, image, base: base.Id, reference } satisfies SavedLayer, blobs: {}, outside: Math.max(0, size - base.Size), stored: () => entry.gone() };
}

/** Takes our name away, and the image with it, unless somebody else builds on it: then it goes with theirs. */
async function removeLayer(engine: Engine, reference: string): Promise<void> {
  try { await engine.call('remove the saved image', d => d.getImage(reference).remove()); }
  catch (error) { if (!isMissing(error) && await inspectImage(engine, reference) !== undefined) throw error; }
}

async function removeContainer(engine: Engine, name: string): Promise<void> {
  try { await engine.call('remove the container', d => d.getContainer(name).remove({ force: true, v: true })); }
  catch (error) { if (!isMissing(error) && !/already in progress/.test((error as Error).message)) throw error; }
}

/** An image that a dead run committed, unless it got a name meanwhile. */
async function removeNameless(engine: Engine, name: string): Promise<void> {
  if (name === '') return;
  const image = await inspectImage(engine, name);
  if (image && (image.RepoTags ?? []).filter(tag => !tag.startsWith(checkpoints)).length === 0) await removeImage(engine, name);
}

async function removeImage(engine: Engine, name: string): Promise<void> {
  try { await engine.call('remove the image', d => d.getImage(name).remove({ force: true })); }
  catch (error) { if (!isMissing(error)) throw error; }
}

async function lastWords(engine: Engine, name: string): Promise<string> {
  try {
    const log = await engine.call('read the log', d => d.getContainer(name).logs({ stdout: true, stderr: true, tail: 10 })) as unknown as Buffer;
    return log.toString('utf8').replace(/[\0-\x08]\0{3}.{4}/gs, '').trim();
  } catch { return ''; }
}
