/** Packs files into an archive or a compressed file: which way, by its format. */
import { availableParallelism } from 'node:os';
import { errors } from '../../errors.js';
import type { FileRef, PreflightProblem } from '../driver.js';
import { programProblem } from '../host/program.js';
import { describeExit, runProcess } from '../host/process.js';
import { deflatePool } from './deflate-pool.js';
import { gzip } from './gzip.js';
import { ordered } from './ordered.js';
import { bytesOf, filePieces, type Packed, type Piece, tarPieces } from './pieces.js';
import { writeParts } from './write.js';
import { zip } from './zip.js';

const fail = errors('COMPRESS', {
  SEVERAL_FILES: {
    message: (format: string, names: string) => `The format ${format} holds one file, and the artifact has ${names}.`,
    remedy: (format: string) => `Take an archive: tar.${format}, or zip.`,
  },
  PROGRAM: { message: (program: string, how: string, said: string) => `${program} ${how}${said === '' ? '.' : `: ${said}`}` },
});

/** What compresses: made here (gz), or by a program that reads and writes its standard streams. */
const programs: { readonly [codec: string]: { readonly install: string; readonly level: number; readonly args: (level: number) => readonly string[]; readonly pieces?: true } } = {
  zst: { install: 'zstd', level: 3, args: level => ['-q', '-c', '-T0', `-${level}`] },
  xz: { install: 'xz-utils', level: 6, args: level => ['-q', '-c', '-T0', `-${level}`] },
  lz4: { install: 'lz4', level: 1, args: level => ['-q', '-c', `-${level}`] },
  // It knows one core; its streams may stand behind one another, so that several can work.
  bz2: { install: 'bzip2', level: 9, args: level => ['-q', '-c', `-${level}`], pieces: true },
};
const nameOf = (codec: string): string => (codec === 'zst' ? 'zstd' : codec === 'bz2' ? 'bzip2' : codec);
const short: { readonly [ending: string]: string } = { tgz: 'tar.gz', txz: 'tar.xz', tzst: 'tar.zst', tbz2: 'tar.bz2' };

export interface Packing { readonly archive: 'tar' | 'zip' | undefined; readonly codec: string | undefined; readonly name: string }

/** By the format, else by the ending of the output's name; what neither says is a tar.gz, as with Packer. */
export function packingOf(format: string | undefined, output: string | undefined): Packing {
  const name = format ?? endingOf(output ?? '') ?? 'tar.gz';
  if (name === 'zip' || name === 'tar') return { archive: name, codec: undefined, name };
  return { archive: name.startsWith('tar.') ? 'tar' : undefined, codec: name.replace('tar.', ''), name };
}

function endingOf(output: string): string | undefined {
  const found = /\.((?:tar\.)?(?:gz|zst|xz|bz2|lz4)|tar|zip|tgz|txz|tzst|tbz2)$/.exec(output)?.[1];
  return found === undefined ? undefined : short[found] ?? found;
}

/** What is wrong where the program that a format needs is not there. */
export function packingProblem({ codec }: Packing, field: string): PreflightProblem[] {
  const program = codec === undefined ? undefined : programs[codec];
  return program === undefined ? [] : programProblem(nameOf(codec!), field, `Install it: apt-get install ${program.install} (Debian, Ubuntu); or take a format that needs none: tar.gz, gz, zip.`);
}

export interface PackOptions { readonly level?: number | undefined; readonly signal: AbortSignal; /** Bytes read, of how many. */ readonly progress?: (done: number, total: number) => void }

/** Writes `to`, which must not be there. */
export async function pack(files: readonly Packed[], packing: Packing, to: string, options: PackOptions): Promise<FileRef> {
  const { signal } = options, { archive, codec, name } = packing, total = files.reduce((sum, f) => sum + f.size, 0);
  if (archive === undefined && files.length !== 1) throw fail.SEVERAL_FILES(name, files.length === 0 ? 'none' : files.map(f => f.name).join(', '));
  let done = 0;
  async function* counted(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece, void, undefined> {
    for await (const piece of pieces) { done += typeof piece === 'number' ? piece : piece.length; options.progress?.(Math.min(done, total), total); yield piece; }
  }
  const pieces = counted(archive === 'tar' ? tarPieces(files, signal) : archive === undefined ? filePieces(files[0]!, signal) : (async function* () {})());
  if (codec !== undefined && codec !== 'gz') return throughProgram(codec, pieces, to, options);
  if (archive === 'tar' && codec === undefined) return writeParts(to, (async function* () { for await (const bytes of bytesOf(pieces)) yield [bytes]; })());
  const pool = deflatePool(options.level ?? 4);
  try {
    return await writeParts(to, archive === 'zip' ? zip(files, pool, signal) : gzip(pieces, pool));
  } finally { await pool.end(); }
}

async function throughProgram(codec: string, pieces: AsyncIterable<Piece>, to: string, { level, signal }: PackOptions): Promise<FileRef> {
  const program = programs[codec]!, args = program.args(level ?? program.level);
  if (program.pieces) return writeParts(to, ordered(inLarge(bytesOf(pieces)), availableParallelism(), async stdin => [await output(nameOf(codec), args, stdin, signal)]));
  return writeParts(to, streamOf(nameOf(codec), args, bytesOf(pieces), signal));
}

/** In portions of 8 MiB. */
async function* inLarge(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [], size = 0;
  for await (const bytes of source) {
    held.push(bytes);
    size += bytes.length;
    if (size >= 8 << 20) { yield Buffer.concat(held); held = []; size = 0; }
  }
  yield Buffer.concat(held);
}

async function output(program: string, args: readonly string[], stdin: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const out: Uint8Array[] = [];
  for await (const parts of streamOf(program, args, stdin, signal)) out.push(...parts);
  return Buffer.concat(out);
}

/** What a program makes of its standard input, as it comes. */
async function* streamOf(program: string, args: readonly string[], stdin: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const ready: Uint8Array[] = [], stop = new AbortController();
  let wake = (): void => {}, taken = (): void => {}, said = '', ended = false;
  const run = runProcess(program, args, {
    stdin, signal: AbortSignal.any([signal, stop.signal]), stderr: chunk => { said = (said + chunk.toString('utf8')).slice(-2000); },
    stdout: chunk => { ready.push(chunk); wake(); return ready.length < 64 ? undefined : new Promise<void>(resolve => { taken = resolve; }); },
  }).finally(() => { ended = true; wake(); });
  run.catch(() => {});
  try {
    for (;;) {
      if (ready.length > 0) { const parts = ready.splice(0); taken(); yield parts; continue; }
      if (ended) break;
      await new Promise<void>(resolve => { wake = resolve; });
    }
    const exit = await run;
    if (exit.how !== 'exited' || exit.code !== 0) throw fail.PROGRAM(program, describeExit(exit), said.trim());
  } finally { stop.abort(); await run.catch(() => {}); }
}
