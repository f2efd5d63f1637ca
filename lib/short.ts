/** A value as a person recognizes it in a message: JSON, cut where it is long. */
export function short(value: unknown, length = 60): string {
  const text = typeof value === 'string' ? `'${value}'` : value === undefined ? 'undefined' : JSON.stringify(value) ?? String(value);
  return text.length > length ? `${text.slice(0, length - 3)}…` : text;
}
