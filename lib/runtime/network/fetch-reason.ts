import { messageOf } from '../../errors.js';

/** Why a fetch came to nothing: `fetch failed` says nothing; its cause does. */
export function fetchReason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && cause.message !== '' ? cause.message : messageOf(error);
}
