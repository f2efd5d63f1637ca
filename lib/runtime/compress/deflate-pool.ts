/** Deflate on all cores: each piece is compressed on a thread of its own, and its end lies on a byte, so that the pieces can be put behind one another. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Piece, pieceSize } from './pieces.js';

export interface Deflated { readonly parts: readonly Uint8Array[]; /** Bytes that went in. */ readonly length: number; readonly crc: number }
export interface DeflatePool {
  /** How many pieces to give it at the same time. */
  readonly width: number;
  deflate(piece: Piece): Promise<Deflated>;
  end(): Promise<void>;
}
interface Answer { readonly crc: number; readonly out: Uint8Array; readonly stored: boolean }
interface Thread { readonly worker: Worker; job: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined }

/** What ends the last piece of a stream: an empty last block. */
export const endOfStream = Uint8Array.of(0x03, 0x00);

/**
 * The thread's program, as text: it must run whether this file is compiled or not. A piece that cannot be made smaller (a sample of it says
 * so) comes back as it is: trying would take longer than everything else.
 */
const program = `
const { parentPort } = require('node:worker_threads'), zlib = require('node:zlib');
parentPort.on('message', ({ piece, level }) => {
  const crc = zlib.crc32(piece), options = { level, memLevel: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  let stored = false, out;
  if (piece.length >= 65536) {
    const sample = Buffer.alloc(16384), step = Math.floor(piece.length / 8);
    for (let i = 0; i < 8; i++) sample.set(piece.subarray(i * step, i * step + 2048), i * 2048);
    stored = zlib.deflateRawSync(sample, { level: 1 }).length > 16200;
  }
  if (!stored) {
    out = zlib.deflateRawSync(piece, options);
    stored = out.length > piece.length;
  }
  const back = stored ? piece : new Uint8Array(out);
  parentPort.postMessage({ crc, out: back, stored }, [back.buffer]);
});
`;

export function deflatePool(level: number, width = availableParallelism()): DeflatePool {
  const threads: Thread[] = [], waiting: ((thread: Thread) => void)[] = [], zeros = new Map<number, Promise<Deflated>>();
  let ended = false;
  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(program, { eval: true, execArgv: [], env: {} }), job: undefined };
    const failed = (error: unknown): void => { const { job } = thread; thread.job = undefined; job?.reject(error); };
    thread.worker.on('message', (answer: Answer) => {
      const { job } = thread;
      thread.job = undefined;
      job?.resolve(answer);
      if (thread.job === undefined) waiting.shift()?.(thread);
    }).on('error', failed).on('exit', () => { if (!ended) failed(new Error('a thread that compresses ended')); });
    threads.push(thread);
    return thread;
  };
  const run = async (piece: Uint8Array): Promise<Deflated> => {
    const { length } = piece, free = threads.find(t => t.job === undefined);
    const answer = await new Promise<Answer>((resolve, reject) => {
      const give = (thread: Thread): void => { thread.job = { resolve, reject }; thread.worker.postMessage({ piece, level }, [piece.buffer as ArrayBuffer]); };
      if (free !== undefined) give(free);
      else if (threads.length < width) give(start());
      else waiting.push(give);
    });
    return { crc: answer.crc, length, parts: answer.stored ? stored(answer.out) : [answer.out] };
  };
  return {
    width: width + 2,
    deflate(piece) {
      // Zeros that were written are as good as a hole, and one of a size is always the same.
      if (typeof piece !== 'number') return isZero(piece) ? this.deflate(piece.length) : run(piece);
      let known = zeros.get(piece);
      if (known === undefined) {
        known = run(new Uint8Array(piece));
        if (zeros.size < 100) zeros.set(piece, known);
      }
      return known;
    },
    async end() { ended = true; await Promise.all(threads.map(t => t.worker.terminate())); },
  };
}

const zeroes = Buffer.alloc(pieceSize);
const isZero = (piece: Uint8Array): boolean => piece.length <= zeroes.length && zeroes.compare(piece, 0, piece.length, 0, piece.length) === 0;

/** As deflate's stored blocks, which hold 65,535 bytes at most. */
function stored(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 65_535) {
    const part = bytes.subarray(at, at + 65_535), { length } = part;
    parts.push(Uint8Array.of(0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff), part);
  }
  return parts;
}
