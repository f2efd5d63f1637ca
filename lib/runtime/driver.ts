/** What the runtime asks of components: the interfaces of DESIGN section 6. Every driver and communicator is written against this file. */
import type { Question } from '../events.js';
import type { Json } from '../json.js';
import type { AnyKind, OutputsOf, Resolved } from '../kinds.js';
import type { Scope } from './scope.js';

/** How a command ended. Only `exited` with an accepted code is success. */
export type Exit =
  | { readonly how: 'exited'; readonly code: number }
  | { readonly how: 'signalled'; readonly signal: string }
  /** The connection went before an exit status came. `started: false`: the command had not begun, and may be tried again. */
  | { readonly how: 'disconnected'; readonly reason?: string; readonly started?: false };

export interface FileRef { readonly path: string; readonly digest: string; readonly size: number; readonly mode: number }

/** What a source or post-processor made. */
export interface Artifact {
  /** Kind key of what made it: `source/qemu`. */
  readonly madeBy: string;
  /** What the platform calls it: a path, an image id, `eu-central-1:ami-…`. */
  readonly id: string;
  readonly files: readonly FileRef[];
  readonly data: { readonly [key: string]: Json };
  readonly outputs: { readonly [name: string]: unknown };
}

/** A machine saved as named files, or as something that `data` names; `fits` must be equal to resume. */
export interface Saved {
  readonly fits: Json;
  readonly data: Json;
  readonly blobs: { readonly [name: string]: FileRef };
  /** Bytes that what `data` names takes elsewhere (in a container engine). @default 0 */
  readonly outside?: number;
  /** Its disk is whole by itself: another machine (more memory, other devices) can go on from it by booting. @default false */
  readonly boots?: boolean;
  /** Called when the store has it: what was made for it is the store's from then on. */
  stored?(): Promise<void>;
}

/** Where and how a guest is reached, for tools that connect by themselves (ansible, `bake ssh`). */
export type Endpoint =
  | { readonly type: 'ssh'; readonly host: string; readonly port: number; readonly user: string; readonly identityFile?: string; readonly knownHostsFile?: string; readonly password?: string; readonly proxyCommand?: string }
  | { readonly type: 'docker'; readonly container: string; readonly dockerHost?: string; readonly user?: string }
  | { readonly type: 'winrm'; readonly url: string; readonly user: string; readonly password: string }
  | { readonly type: 'local' }
  | { readonly type: 'none' };

export interface ExecOptions {
  /** Standard input; ends after it. Nothing: empty. */
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Raw bytes as they come, in order. Awaited: a slow reader slows the command, memory stays bounded. */
  readonly stdout?: (chunk: Uint8Array) => void | Promise<void>;
  readonly stderr?: (chunk: Uint8Array) => void | Promise<void>;
  /** Ends the remote process (TERM, then KILL), not only the channel. */
  readonly signal?: AbortSignal;
  readonly pty?: boolean;
  /** The user's own script in the command, where there is one: for whoever does not run it, but is asked what it would do (a simulation). `commands`: its lines as the program has them. */
  readonly script?: { readonly content: Uint8Array; readonly path: string; readonly environment: { readonly [name: string]: string }; readonly commands?: readonly string[] };
}
export interface UploadOptions {
  /** Permission bits; the local file's when left out. */
  readonly mode?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (bytes: number) => void;
}

/**
 * A connection to a guest. Path rules, the same everywhere: `to` is the final path (a file's or folder's own), its parents are made,
 * an existing folder is merged into. Trailing slashes are dealt with by the provisioners, not here.
 */
export interface Communicator extends AsyncDisposable {
  readonly guest: 'unix' | 'windows';
  readonly endpoint: Endpoint;
  /** Provisioners shall run their commands in a terminal (`sudo` with requiretty). A command with standard input runs without one. */
  readonly pty?: boolean;
  /** Runs a command line in the guest's shell (`sh -c`, `cmd /c`). Resolves for every way it can end; throws only for misuse or cancellation. */
  exec(command: string, options?: ExecOptions): Promise<Exit>;
  upload(from: string | Uint8Array, to: string, options?: UploadOptions): Promise<void>;
  download(from: string, to: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Modes, links and empty folders are kept. */
  uploadFolder(from: string, to: string, options?: UploadOptions): Promise<void>;
  downloadFolder(from: string, to: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Drops the connection and waits, within the budget, until the guest answers again. For after a reboot. */
  reconnect(options?: { readonly budget?: number; readonly signal?: AbortSignal }): Promise<void>;
}

/** A running machine. */
export interface Machine<_K extends AnyKind = AnyKind> {
  connect(ctx: Context): Promise<Communicator>;
  /** Shuts the machine down, where it must be, and makes the artifact. */
  capture(props: unknown, ctx: Context): Promise<Artifact>;
  /** Saves the machine so that `resume` can go on from here; the machine runs on. */
  save?(ctx: Context): Promise<Saved>;
  /** Why the machine is not there any more, where its platform tells (a spot instance was taken back). Asked when a step failed; undefined: it is there, or nobody knows. */
  lost?(ctx: Context): Promise<Error | undefined>;
  /** Writes a PNG and returns its path. */
  screenshot?(file: string): Promise<string>;
  readonly serialLog?: string;
  /** Values of `host` refs that this machine knows: httpAddress, httpIp, httpPort, guestHost … */
  readonly hostValues?: { readonly [name: string]: string };
  /** For a kept machine: what `bake ssh` and `bake destroy` need, from another process. */
  keep?(ctx: Context): Promise<Json>;
}

/** What a driver is given beside its props. */
export interface Context {
  readonly scope: Scope;
  /** Aborts when the run is cancelled or a sibling's failure ends it. */
  readonly signal: AbortSignal;
  /** `web/qemu` */
  readonly target: string;
  /** Construct path of the component: `web/shell-2`. */
  readonly path: string;
  /** Names for `host` refs and manifests. */
  readonly build: { readonly name: string; readonly sourceName: string; readonly sourceType: string };
  /** The run's id, and its folder for this target: `.bake/runs/<id>/web_qemu`. Logs and screenshots go here. `uuid` is what Packer calls the run's UUID. */
  readonly run: { readonly id: string; readonly uuid: string; readonly folder: string };
  /** A private folder (0700) that is removed when the target is done. Short, so that unix sockets fit. */
  readonly temporaryFolder: string;
  /** The folder that relative output paths are relative to. */
  readonly programFolder: string;
  readonly force: boolean;
  readonly onFailure: 'cleanup' | 'keep';
  readonly journal: Journal;
  /** In `capture` and `complete`: what everything that leads to the artifact comes to, as one digest; undefined where it is not known. */
  readonly key?: string | undefined;
  /** What the machine knows of itself, once it runs: httpAddress, guestHost … */
  readonly hostValues: { readonly [name: string]: string };
  /** What programs that a step starts on this computer see. */
  readonly environment: NodeJS.ProcessEnv;
  /** Asks a person; the default answer where there is none. */
  ask(question: Question): Promise<string>;
  note(message: string, options?: { readonly detail?: boolean }): void;
  warn(message: string, code?: string): void;
  /** Passes a command's output on, redacted, line-whole. */
  output(stream: 'stdout' | 'stderr', chunk: Uint8Array | string): void;
  progress(what: string, done: number, total: number | undefined, unit: 'bytes' | 'items' | 'milliseconds'): void;
  /** Marks a text as secret from here on. */
  secret(value: string): void;
  /** Late expressions that a driver resolves itself (Packer's `{{ .HTTPIP }}` in a boot command): fills in host values. */
  fill(text: string, values: { readonly [name: string]: string }): string;
}

/** Write-ahead: `intend` before a thing is made that would outlive the process, `made` after, `gone` when it was removed. Each call is on the disk when it resolves. */
export interface Journal {
  intend(entry: {
    /** Kind key of the driver whose `reap` removes it: `source/qemu`. `host/process` and `host/path` are removed by the runtime itself: `data` is `{ path }`; a process is known by `BAKE_JOURNAL=<entry's id>` in its environment. */
    readonly driver: string;
    /** What it is, for people: `virtual machine`, `output folder`. */
    readonly what: string;
    readonly name: string; readonly data: Json;
    /** It ends with this computer (a process): written, but not waited for until it is on the disk. @default false */
    readonly volatile?: boolean;
  }): Promise<JournalEntry>;
}
export interface JournalEntry {
  readonly id: string;
  /** With the id that only exists now; `data` replaces the entry's. */
  made(data?: Json): Promise<void>;
  gone(): Promise<void>;
}
/** A thing that a dead run left: what `reap` is given. */
export interface Leftover { readonly driver: string; readonly what: string; readonly name: string; readonly data: Json; readonly state: 'intended' | 'made' }

/** A thing that no journal here knows of: found on the platform itself, by the tags that it carries, past the date until which it may exist. */
export interface Stray extends Leftover { readonly run: string; readonly target: string }

export interface PreflightProblem { readonly code: string; readonly message: string; readonly remedy?: string; readonly field?: string }

export interface SourceDriver<K extends AnyKind> {
  /**
   * Looks for what would fail later: binaries, space, names, credentials. All problems at once.
   * Props that only become known later (a base image, outputs of other builds, host values, generated files) are undefined here, required or not.
   */
  preflight?(props: Resolved<K>, ctx: Context): Promise<readonly PreflightProblem[]>;
  /** For `bake plan`: what would be made, where and as whom, each in one line. Makes nothing. Props that only become known later are undefined. */
  outline?(props: Resolved<K>, ctx: Context): Promise<readonly string[]>;
  start(props: Resolved<K>, ctx: Context): Promise<Machine<K>>;
  /**
   * What names in the props stand for at this moment (the image behind a tag, the newest AMI): part of the key of everything built on it.
   * Undefined: not known. `fetch: false`: nothing may be made or transferred to find out.
   */
  identify?(props: Resolved<K>, ctx: Context, fetch: boolean): Promise<Json | undefined>;
  resume?(props: Resolved<K>, saved: Saved, ctx: Context): Promise<Machine<K>>;
  /** Whether starting it installs an operating system: then the machine is saved before its first step too. Props as for `preflight`. @default false */
  installs?(props: Resolved<K>): boolean;
  /** Saving takes minutes, or money in somebody's account: only what a step, a build or the command line asks for (`always`, `--until`) is saved. @default false */
  readonly savesOnRequest?: boolean;
  /** Whether all that a saved machine needs beside its files is still there. */
  intact?(saved: Saved): Promise<boolean>;
  /** Removes what a saved machine names outside the store. It is about to be pruned; a thing that is gone already is no error. */
  forget?(saved: Saved): Promise<void>;
  /**
   * Goes on from what an earlier run of the same inputs (`ctx.key`) made and could not finish, without a machine: four of five copies are
   * there, only the fifth is made. Undefined: nothing to go on from.
   */
  complete?(props: Resolved<K>, ctx: Context): Promise<Artifact | undefined>;
  /** Starts a throw-away copy of a finished artifact. */
  boot?(artifact: Artifact, props: Resolved<K>, ctx: Context): Promise<Machine<K>>;
  /** Whether an artifact made earlier is still there, unchanged. */
  present?(artifact: Artifact): Promise<boolean>;
  destroy?(artifact: Artifact): Promise<void>;
  /** Removes what a dead run left, without the program. Resolves when it is gone, or was never there. */
  reap?(entry: Leftover): Promise<void>;
  /** Looks through the platform, as whoever is logged in, for what of ours is past its date; in an order in which `reap` can remove it. */
  strays?(): Promise<readonly Stray[]>;
  /** Opens an interactive shell on a kept machine (data from `keep`), on this terminal; the exit code. */
  shell?(kept: Json): Promise<number>;
  /** Writes a picture (PNG) of a kept machine's screen, as it is now, to a file (data from `keep`). */
  picture?(kept: Json, file: string): Promise<void>;
}

export type Effects = 'guest' | 'host' | 'both';
export interface ProvisionerDriver<K extends AnyKind> {
  /** `host`: the step changes something on this computer, and runs again unless `creates` says otherwise. A function of the planned props where they decide. */
  readonly effects: Effects | ((props: { readonly [name: string]: unknown }) => Effects);
  preflight?(props: Resolved<K>, ctx: Context): Promise<readonly PreflightProblem[]>;
  run(props: Resolved<K>, guest: Communicator, ctx: Context): Promise<OutputsOf<K> | void>;
}

export interface PostProcessorDriver<K extends AnyKind> {
  /** `outside`: it changes something that is not a file of this build (a registry, a cloud). */
  readonly effects: 'local' | 'outside';
  preflight?(props: Resolved<K>, ctx: Context): Promise<readonly PreflightProblem[]>;
  run(props: Resolved<K>, input: Artifact, ctx: Context): Promise<PostProcessed>;
  /** Whether what it made earlier is still there. Where left out: its files are, and effects outside are taken to last. */
  present?(artifact: Artifact): Promise<boolean>;
  reap?(entry: Leftover): Promise<void>;
}
export interface PostProcessed {
  readonly artifact: Artifact;
  /** What the post-processor prefers where the user said nothing; `must` wins over the user. */
  readonly keepInput: 'yes' | 'no' | 'must';
  /** Files beside the artifact that several targets write to: while they are there, this needs no repeating. */
  readonly wrote?: readonly string[];
}

export interface DataDriver<K extends AnyKind> { read(props: Resolved<K>, ctx: DataContext): Promise<OutputsOf<K>> }
export interface DataContext {
  readonly signal: AbortSignal;
  readonly programFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Outputs that the program declared secret: they are neither printed nor recorded. */
  readonly sensitive?: readonly string[];
  note(message: string): void;
  secret(value: string): void;
}
