/**
 * Finds out when a guest has its address. QEMU accepts connections to a forwarded port long before the guest can, holds them, and lets them all loose on it
 * later; so nothing is tried until the guest's own packets show that it is there.
 */
import { connect, type Socket } from 'node:net';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../retry.js';
import type { Qmp } from './qmp.js';

const filter = 'presence0';
/** Milliseconds for which an answer stands: a login that is refused is tried again, without looking anew. */
const fresh = 10_000;

export class Presence {
  #seen = -Infinity;
  constructor(readonly qmp: Qmp, readonly folder: string) {}

  /** Resolves when the guest has sent a packet from an address of its own. Ends only by the signal. */
  async wait(port: number, signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#seen < fresh) return;
    const file = join(this.folder, 'packets'), probes: Socket[] = [];
    await this.qmp.execute('object-add', { 'qom-type': 'filter-dump', id: filter, netdev: 'net0', file, maxlen: 400 });
    try {
      const reader = new PacketReader(file);
      let next = 0, pause = 5000, promised = false;
      for (;;) {
        const found = await reader.read();
        if (found === 'there') break;
        // A guest that is there answers the first question. One that was just given its address is asked again soon, since it may come too early.
        if (found === 'promised' && !promised) { promised = true; pause = 100; next = performance.now() + pause; }
        if (performance.now() >= next) {
          probes.push(probe(port));
          next = performance.now() + pause;
          pause *= promised ? 1.5 : 2;
        }
        await sleep(40, signal);
      }
      this.#seen = performance.now();
    } finally {
      for (const socket of probes) socket.destroy();
      if (this.qmp.isOpen) await this.qmp.execute('object-del', { id: filter }).catch(() => {});
      await rm(file, { force: true });
    }
  }
}

function probe(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  return socket;
}

/** `there`: the guest has sent from an address; `promised`: it was just given one. */
export type Finding = 'there' | 'promised' | undefined;

/** Reads a growing packet capture. */
class PacketReader {
  #offset = 24;
  #promised = false;
  constructor(readonly file: string) {}

  async read(): Promise<Finding> {
    const handle = await open(this.file, 'r').catch(() => undefined);
    if (handle === undefined) return undefined;
    try {
      const { size } = await handle.stat(), bytes = Buffer.alloc(Math.max(0, size - this.#offset));
      await handle.read(bytes, 0, bytes.length, this.#offset);
      for (let at = 0; at + 16 <= bytes.length;) {
        const length = bytes.readUInt32LE(at + 8);
        if (at + 16 + length > bytes.length) break;
        const finding = judge(bytes.subarray(at + 16, at + 16 + length));
        if (finding === 'there') return 'there';
        this.#promised ||= finding === 'promised';
        at += 16 + length;
        this.#offset += 16 + length;
      }
      return this.#promised ? 'promised' : undefined;
    } finally { await handle.close(); }
  }
}

/** What one Ethernet frame says. QEMU's own end of the network has the addresses 52:55:… */
export function judge(frame: Uint8Array): Finding {
  const f = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (f.length < 42) return undefined;
  const type = f.readUInt16BE(12), fromGuest = !(f[6] === 0x52 && f[7] === 0x55);
  if (fromGuest) return (type === 0x0800 && f.readUInt32BE(26) !== 0) || (type === 0x0806 && f.readUInt32BE(28) !== 0) ? 'there' : undefined;
  const udp = 14 + (f[14]! & 15) * 4;
  if (type !== 0x0800 || f[23] !== 17 || f.readUInt16BE(udp) !== 67) return undefined;
  // DHCP: message type 5 is the server's last word.
  for (let at = udp + 8 + 240; at + 2 < f.length && f[at] !== 255; at += f[at] === 0 ? 1 : 2 + f[at + 1]!) if (f[at] === 53) return f[at + 2] === 5 ? 'promised' : undefined;
  return undefined;
}
