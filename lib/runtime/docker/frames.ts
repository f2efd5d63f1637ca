/** Takes the engine's stream of a command apart: without a terminal, each piece comes with a header that says whether it is output or error. */
export type Sink = (chunk: Buffer) => void | Promise<void>;

/** Reads the stream to its end; each chunk is awaited, so that a slow reader slows the command. */
export async function readFrames(stream: AsyncIterable<Uint8Array>, stdout: Sink, stderr: Sink, raw: boolean): Promise<void> {
  if (raw) { for await (const chunk of stream) await stdout(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)); return; }
  let header: Buffer = Buffer.alloc(0), left = 0, sink = stdout;
  for await (const received of stream) {
    let chunk: Buffer = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
    while (chunk.length > 0) {
      if (left === 0) {
        const taken = Math.min(8 - header.length, chunk.length);
        header = Buffer.concat([header, chunk.subarray(0, taken)]);
        chunk = chunk.subarray(taken);
        if (header.length < 8) break;
        left = header.readUInt32BE(4);
        sink = header[0] === 2 ? stderr : stdout;
        header = Buffer.alloc(0);
        continue;
      }
      const piece = chunk.subarray(0, left);
      left -= piece.length;
      chunk = chunk.subarray(piece.length);
      await sink(piece);
    }
  }
}
