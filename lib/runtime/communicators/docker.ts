/** Reaches a container through its engine: commands by its exec calls, files through commands too, and by its archive calls where the image has no tar. */
import { Readable } from 'node:stream';
import { errors, isBakeError } from '../../errors.js';
import { type Engine, isMissing, statusOf } from '../docker/engine.js';
import { readFrames, type Sink } from '../docker/frames.js';
import type { Communicator, ExecOptions, Exit, UploadOptions } from '../driver.js';
import { quotePath } from '../guest/quote.js';
import { cancellation, retry } from '../retry.js';
import { packFolder } from '../formats/tar.js';
import { unpackFolder } from '../formats/untar.js';
import { downloadFile, downloadFolder, uploadFile, uploadFolder } from './unix-files.js';

const fail = errors('CONTAINER', {
  STOPPED: { message: (name: string) => `The container ${name} does not run.`, remedy: 'A step ended its first process, or something else stopped it.' },
  OWNER: { message: (to: string, owner: string) => `${to} was uploaded as root, and cannot be given to ${owner}.`, remedy: 'Upload to a place that the user of the steps may write to, or set fixUploadOwner: false.' },
  FOLDER: { message: (folder: string) => `The folder ${folder} cannot be made in the container.` },
});

export interface DockerConnection {
  readonly engine: Engine;
  /** Id or name of the container. */
  readonly container: string;
  /** User that commands run as; the image's own when left out. */
  readonly user?: string | undefined;
  readonly pty?: boolean;
  /** Uploads belong to the user that commands run as; to root otherwise. @default true */
  readonly ownUploads?: boolean;
}

/** Opens a running container. Throws when it does not run. */
export async function connectDocker(connection: DockerConnection, signal?: AbortSignal): Promise<Communicator> {
  const link = new DockerCommunicator(connection);
  if (!await link.runs(signal)) throw fail.STOPPED(connection.container);
  return link;
}

class DockerCommunicator implements Communicator {
  readonly guest = 'unix';
  readonly endpoint;
  readonly #engine: Engine;
  readonly #container: string;
  readonly #settings: DockerConnection;

  constructor(settings: DockerConnection) {
    this.#settings = settings;
    this.#engine = settings.engine;
    this.#container = settings.container;
    this.endpoint = { type: 'docker', container: settings.container, dockerHost: settings.engine.host, ...(settings.user === undefined ? {} : { user: settings.user }) } as const;
  }

  async runs(signal?: AbortSignal): Promise<boolean> {
    try { return (await this.#engine.call('look at the container', d => d.getContainer(this.#container).inspect(), signal)).State.Running; }
    catch (error) { if (isMissing(error)) return false; throw error; }
  }

  exec(command: string, options: ExecOptions = {}): Promise<Exit> { return this.#exec(command, options, this.#settings.user); }

  async #exec(command: string, options: ExecOptions, user: string | undefined): Promise<Exit> {
    const { signal } = options, tty = options.pty ?? this.#settings.pty ?? false;
    if (signal?.aborted) throw cancellation(signal);
    let id: string, stream: NodeJS.ReadWriteStream & { destroy(): void };
    try {
      // The shell says its process id first: with it the command, and what it started, can be ended.
      const exec = await this.#engine.call('run a command', d => d.getContainer(this.#container).exec({
        Cmd: ['/bin/sh', '-c', 'echo $$; exec /bin/sh -c "$0"', command], AttachStdout: true, AttachStderr: true, AttachStdin: options.stdin !== undefined, Tty: tty, ...(user === undefined ? {} : { User: user }),
      }));
      id = exec.id;
      stream = await this.#engine.call('run a command', () => exec.start({ hijack: true, stdin: true, Tty: tty })) as typeof stream;
    } catch (error) {
      if (isMissing(error) || statusOf((error as Error).cause) === 409) return { how: 'disconnected', reason: 'the container does not run' };
      throw error;
    }
    const process = new ProcessId();
    let ending: Promise<void> | undefined;
    const onAbort = (): void => { ending ??= this.#end(process, () => stream.destroy()); };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    let broken: unknown;
    try {
      const fed = feed(stream, options.stdin).catch(error => { stream.destroy(); throw error; });
      await Promise.all([readFrames(stream as AsyncIterable<Uint8Array>, process.strip(options.stdout ?? (() => {})), async chunk => options.stderr?.(chunk), tty), fed]);
    } catch (error) {
      if (!signal?.aborted && !isConnectionError(error)) { await this.#end(process, () => stream.destroy()); throw error; }
      broken = error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      process.ended();
      stream.destroy();
    }
    if (signal?.aborted) { await ending; throw cancellation(signal); }
    return this.#exitOf(id, broken);
  }

  /** The exit status, asked for until the engine has it: its stream may end a moment before. */
  async #exitOf(id: string, broken: unknown): Promise<Exit> {
    const until = performance.now() + 10_000;
    for (;;) {
      let info: { Running: boolean; ExitCode: number | null };
      try { info = await this.#engine.call('ask how a command ended', d => d.getExec(id).inspect()); }
      catch (error) { return { how: 'disconnected', reason: isBakeError(error) ? error.message : String(error) }; }
      // A container that is killed ends its commands with 137, as a command that is killed alone does.
      if (!info.Running && info.ExitCode === 137 && !await this.runs().catch(() => false)) return { how: 'disconnected', reason: 'the container was stopped' };
      if (!info.Running && info.ExitCode !== null) return { how: 'exited', code: info.ExitCode };
      if (broken !== undefined || performance.now() > until) return { how: 'disconnected', reason: 'the engine ended the connection before the command' };
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** Ends the command's process group: TERM, and KILL five seconds later. */
  async #end(process: ProcessId, close: () => void): Promise<void> {
    const id = await process.known();
    if (id === undefined) return close();
    // Ended children of a first process that does not care for them stay as zombies, and still count for `kill -0`.
    const kill = `living() { for s in /proc/[0-9]*/stat; do read -r line <$s && { set -- \${line##*) }; [ "$3" = ${id} ] && [ "$1" != Z ] && return 0; }; done; return 1; }
kill -TERM -${id}; i=0; while living && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done; kill -KILL -${id}; :`;
    try { await this.#exec(`{ ${kill}; } 2>/dev/null`, {}, '0'); } finally { setTimeout(close, 1000).unref(); }
  }

  upload(from: string | Uint8Array, to: string, options: UploadOptions = {}): Promise<void> {
    return this.#put(to, exec => uploadFile(exec, from, to, options), options.signal);
  }

  async uploadFolder(from: string, to: string, options: UploadOptions = {}): Promise<void> {
    try { await this.#put(to, exec => uploadFolder(exec, from, to, options), options.signal); }
    catch (error) {
      if (codeOf(error) !== 'TRANSFER_NO_TAR') throw error;
      // The engine can unpack where the image cannot; but it replaces links to folders, and sets the modes of folders that are there.
      await this.#put(to, exec => makeFolder(exec, to, options), options.signal);
      const archive = Readable.from(packFolder(from), { objectMode: false });
      await this.#engine.call(`unpack into ${to}`, d => d.getContainer(this.#container).putArchive(archive, { path: to, ...abortable(options.signal) }), options.signal).finally(() => archive.destroy());
    }
  }

  /** Writes as the user that steps run as, so that it owns what it gets; where it may not, as root, and gives it away. */
  async #put(to: string, write: (exec: Communicator['exec']) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const { user, ownUploads = true } = this.#settings, mine = ownUploads && !/^(root|0)(:|$)/.test(user ?? '');
    if (mine) {
      try { return await write((command, options) => this.#exec(command, { ...options, pty: false }, user)); }
      catch (error) { if (signal?.aborted || codeOf(error) !== 'TRANSFER_UPLOAD') throw error; }
    }
    await write(this.#asRoot);
    if (!mine) return;
    const owner = await this.#owner(), exit = await this.#asRoot(`chown -R ${owner} ${quotePath(to)}`, abortable(signal));
    if (exit.how !== 'exited' || exit.code !== 0) throw fail.OWNER(to, owner);
  }

  /** `uid:gid` of the user that steps run as. */
  async #owner(): Promise<string> {
    let out = '';
    await this.#exec('echo "$(id -u):$(id -g)"', { stdout: chunk => { out += Buffer.from(chunk).toString('latin1'); } }, this.#settings.user);
    return out.trim();
  }

  download(from: string, to: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> { return downloadFile(this.#asRoot, from, to, options); }

  async downloadFolder(from: string, to: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    try { await downloadFolder(this.#asRoot, from, to, options); }
    catch (error) {
      if (codeOf(error) !== 'TRANSFER_NO_TAR') throw error;
      const archive = await this.#engine.call(`pack ${from}`, d => d.getContainer(this.#container).getArchive({ path: `${from}/.`, ...abortable(options.signal) }), options.signal);
      await unpackFolder(archive as AsyncIterable<Buffer>, to);
    }
  }

  readonly #asRoot: Communicator['exec'] = (command, options) => this.#exec(command, { ...options, pty: false }, '0');

  async reconnect(options: { readonly budget?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    await retry(async () => {
      if (!await this.runs(options.signal)) await this.#engine.call('start the container', d => d.getContainer(this.#container).start(), options.signal);
      const exit = await this.exec(':', abortable(options.signal));
      if (exit.how !== 'exited') throw fail.STOPPED(this.#container);
    }, { what: `the container ${this.#container}`, budget: options.budget ?? 60_000, signal: options.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The first line of a command's output is the id of its process, from the shell around it. */
class ProcessId {
  #told!: (id: string | undefined) => void;
  readonly #known = new Promise<string | undefined>(resolve => { this.#told = resolve; });
  known(): Promise<string | undefined> { return this.#known; }
  ended(): void { this.#told(undefined); }
  /** Passes on all but that line. */
  strip(to: Sink | ((chunk: Uint8Array) => void | Promise<void>)): Sink {
    let head: Buffer | undefined = Buffer.alloc(0);
    return async chunk => {
      if (head === undefined) return to(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0 && head.length < 32) return;
      const rest = head, id = /^(\d+)\r?\n/.exec(rest.toString('latin1', 0, end + 1))?.[1];
      head = undefined;
      this.#told(id);
      // No number: the engine itself speaks, of a shell that it could not start.
      const output = id === undefined ? rest : rest.subarray(end + 1);
      if (output.length > 0) await to(output);
    };
  }
}

async function feed(stream: NodeJS.WritableStream, input: ExecOptions['stdin']): Promise<void> {
  // A command that does not read its input is no error.
  stream.on('error', () => {});
  if (input !== undefined && (typeof input === 'string' || input instanceof Uint8Array)) { stream.end(input); return; }
  if (input === undefined) return;
  let open = true;
  stream.once('close', () => { open = false; });
  for await (const chunk of input) {
    if (!open) return;
    await write(stream, chunk);
  }
  stream.end();
}

async function write(stream: NodeJS.WritableStream, chunk: Uint8Array): Promise<void> {
  if (!stream.write(chunk)) await new Promise<void>(resolve => {
    const done = (): void => { stream.off('drain', done); stream.off('close', done); resolve(); };
    stream.once('drain', done);
    stream.once('close', done);
  });
}

async function makeFolder(exec: Communicator['exec'], folder: string, { signal }: UploadOptions): Promise<void> {
  const exit = await exec(`mkdir -p ${quotePath(folder)}`, abortable(signal));
  if (exit.how !== 'exited' || exit.code !== 0) throw fail.FOLDER(folder);
}

const abortable = (signal: AbortSignal | undefined): { signal?: AbortSignal; abortSignal?: AbortSignal } => (signal ? { signal, abortSignal: signal } : {});
const codeOf = (error: unknown): string | undefined => (isBakeError(error) ? error.code : undefined);
const isConnectionError = (error: unknown): boolean => /^(E[A-Z]+|ERR_STREAM_PREMATURE_CLOSE)$/.test((error as NodeJS.ErrnoException).code ?? '');
