/** Text read as JSON; null where it is none. */
export function jsonOrNull(text: string): unknown {
  try { return JSON.parse(text) as unknown; } catch { return null; }
}
