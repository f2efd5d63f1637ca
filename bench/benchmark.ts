/** What a benchmark is: it measures us and, in the same run, a peer; it says what was meant to come out. */
import type { NeedName } from '../test/support/needs.js';
import type { Workplace } from './workplace.js';

export interface Figure {
  /** What was measured, in words. */
  readonly figure: string;
  readonly ours: number;
  /** The same of the peer, measured in the same run. */
  readonly peer?: number;
  readonly unit: string;
  /** At most: a number in the unit, or a multiple of the peer (`'0.75x'`). */
  readonly goal?: number | `${number}x`;
}

export interface Benchmark {
  /** One sentence. */
  readonly about: string;
  /** Things of the machine without which there is nothing to measure. */
  readonly needs?: readonly NeedName[];
  run(place: Workplace): Promise<readonly Figure[]>;
}

/** One figure as it is printed with --json. */
export function record({ figure, ours, peer, unit, goal }: Figure): { readonly [key: string]: unknown } {
  const limit = goal === undefined ? undefined : typeof goal === 'number' ? goal : peer === undefined ? undefined : Number.parseFloat(goal) * peer;
  return { figure, ours: round(ours), peer: peer === undefined ? null : round(peer), unit, ratio: peer === undefined || peer === 0 ? null : round(ours / peer), goal: goal ?? null, met: limit === undefined ? null : ours <= limit };
}

export const round = (n: number): number => Number(n.toPrecision(4));

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Ours and the peer's in turn, so that other load on the machine meets both; the medians. */
export async function interleaved(pairs: number, ours: () => Promise<number>, peer: () => Promise<number>): Promise<{ readonly ours: number; readonly peer: number }> {
  const samples: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let i = 0; i < pairs; i++) {
    samples.ours.push(await ours());
    samples.peer.push(await peer());
  }
  return { ours: median(samples.ours), peer: median(samples.peer) };
}
