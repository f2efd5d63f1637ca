import { describe, expect, it } from 'vitest';
import type { Event } from '../../lib/events.js';
import { makeRedactor } from '../../lib/runtime/secrets/redact.js';
import { makeEventStream, makeOutputLines } from '../../lib/runtime/stream.js';

describe('the stream of events', () => {
  it('gives every listener every event, without secrets', () => {
    const redactor = makeRedactor(), seen: Event[][] = [[], []];
    redactor.add('topsecret');
    const stream = makeEventStream(seen.map(list => (event: Event) => { list.push(event); }), redactor);
    stream.emit(['a'], { type: 'note', message: 'it is topsecret' });
    expect(seen.map(list => list.map(e => e.type === 'note' && e.message))).toEqual([['it is ***'], ['it is ***']]);
  });

  it('goes on without a listener that fails, and says so once', () => {
    const seen: Event[] = [];
    const stream = makeEventStream([() => { throw new Error('disk full'); }, event => { seen.push(event); }], makeRedactor());
    stream.emit([], { type: 'note', message: 'one' });
    stream.emit([], { type: 'note', message: 'two' });
    expect(seen.map(e => (e.type === 'note' || e.type === 'warning' ? e.message : e.type))).toEqual(['A listener of events failed and hears no more: disk full', 'one', 'two']);
  });
});

describe('outputs of commands', () => {
  const collect = () => {
    const redactor = makeRedactor(), out: [string, string][] = [];
    return { redactor, out, lines: makeOutputLines(redactor, (stream, text) => { out.push([stream, text]); }) };
  };

  it('come in whole lines, each stream by itself, the rest at the end', () => {
    const { out, lines } = collect();
    for (const chunk of ['on', 'e\ntwo\nth', 'ree']) lines.push('stdout', Buffer.from(chunk));
    lines.push('stderr', 'err');
    expect(out).toEqual([['stdout', 'one\ntwo\n']]);
    lines.end();
    expect(out).toEqual([['stdout', 'one\ntwo\n'], ['stdout', 'three'], ['stderr', 'err']]);
  });

  it('keep characters whole that a chunk cuts in two', () => {
    const { out, lines } = collect(), bytes = Buffer.from('grün\n');
    for (const byte of bytes) lines.push('stdout', Buffer.from([byte]));
    expect(out).toEqual([['stdout', 'grün\n']]);
  });

  it('have no secrets, also not those that end in another line', () => {
    const { redactor, out, lines } = collect();
    redactor.add('first half\nsecond half');
    lines.push('stdout', 'x first ha');
    lines.push('stdout', 'lf\nsecond half y\n');
    lines.end();
    expect(out.map(([, text]) => text).join('')).toBe('x *** y\n');
  });

  it('are passed on without a line end when a line is endless', () => {
    const { out, lines } = collect();
    for (let i = 0; i < 80; i++) lines.push('stdout', 'x'.repeat(1024));
    expect(out.length).toBeGreaterThan(0);
    lines.end();
    expect(out.map(([, text]) => text).join('')).toHaveLength(80 * 1024);
  });
});
