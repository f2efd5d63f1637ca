import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeRedactor, mask } from '../../../lib/runtime/secrets/redact.js';

const hidden = (secrets: readonly string[], text: string, cuts: readonly number[] = []): string => {
  const redactor = makeRedactor();
  for (const secret of secrets) redactor.add(secret);
  const stream = redactor.stream();
  let out = '', at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) { out += stream.push(text.slice(at, Math.max(at, cut))); at = Math.max(at, cut); }
  return out + stream.push(text.slice(at)) + stream.end();
};
/** Any unicode, of a length that is worth hiding. */
const secretText = fc.string({ minLength: 4, maxLength: 40, unit: 'grapheme' }).filter(s => s.trim().length >= 4);
const around = fc.string({ maxLength: 30 });

describe('redaction', () => {
  it('hides a secret as it is', () => {
    expect(hidden(['s3cret!'], 'password=s3cret! ok')).toBe(`password=${mask} ok`);
  });

  it('lets text without secrets pass unchanged, however it is cut', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), fc.array(fc.nat(200)), (text, cuts) => {
      expect(hidden(['\u0001never\u0001'], text, cuts)).toBe(text);
    }));
  });

  const forms: { readonly [name: string]: (secret: string) => string } = {
    'as it is': s => s,
    'in JSON': s => JSON.stringify(s),
    'in JSON with ASCII only': s => JSON.stringify(s).replace(/[\u0080-\uffff]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    'URL-encoded': s => encodeURIComponent(s),
    'in single quotes of a shell': s => `'${s.replaceAll(`'`, `'\\''`)}'`,
    'in double quotes of a shell': s => `"${s.replace(/[$`"\\]/g, '\\$&')}"`,
  };
  for (const [name, form] of Object.entries(forms)) {
    it(`hides a secret ${name}, across any borders of chunks`, () => {
      fc.assert(fc.property(secretText, around, around, fc.array(fc.nat(120)), (secret, before, after, cuts) => {
        const out = hidden([secret], before + form(secret) + after, cuts);
        expect(out).toContain(mask);
        // What the mask itself, or the text around it, would have had anyway proves nothing.
        if (!(before + after + mask).includes(secret)) expect(out.split(mask).some(part => part.includes(secret))).toBe(false);
      }));
    });
  }

  it('hides a secret in base64 of a longer text, at any place in it, also url-safe and broken into lines', () => {
    fc.assert(fc.property(secretText, fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), fc.array(fc.nat(200)), fc.boolean(), fc.integer({ min: 4, max: 76 }), (secret, before, after, cuts, safe, width) => {
      const encoded = Buffer.concat([before, Buffer.from(secret), after]).toString(safe ? 'base64url' : 'base64');
      const out = hidden([secret], encoded.replace(new RegExp(`.{${width}}`, 'g'), '$&\n'), cuts);
      expect(out).toContain(mask);
      // At most the characters at the two ends, which hold bits of something else too, are left.
      const core = Buffer.from(secret).toString(safe ? 'base64url' : 'base64').slice(0, Math.floor(Buffer.from(secret).length * 8 / 6));
      if (before.length % 3 === 0) expect(out.replace(/\n/g, '')).not.toContain(core);
    }));
  });

  it('hides base64 as PowerShell takes it, of UTF-16', () => {
    expect(hidden(['hunter2'], Buffer.from('echo hunter2', 'utf16le').toString('base64'))).toContain(mask);
  });

  it('hides each longer line of a secret of several lines', () => {
    const key = '-----BEGIN KEY-----\nabcdefgh12345678\nshort\nijklmnop87654321\n-----END KEY-----\n';
    const out = hidden([key], 'read: abcdefgh12345678 and ijklmnop87654321, short');
    expect(out).toBe(`read: ${mask} and ${mask}, short`);
    expect(hidden([key], key.replaceAll('\n', '\r\n'))).not.toMatch(/abcdefgh|BEGIN/);
  });

  it('leaves nothing of secrets that overlap', () => {
    expect(hidden(['abcdef', 'defghi'], 'xabcdefghix')).toBe(`x${mask}x`);
  });

  it('does the same whatever the borders of chunks are', () => {
    fc.assert(fc.property(fc.array(fc.string({ minLength: 3, maxLength: 6, unit: fc.constantFrom('a', 'b', 'c', '\n') }), { minLength: 1, maxLength: 4 }), fc.string({ maxLength: 60, unit: fc.constantFrom('a', 'b', 'c', '\n') }), fc.array(fc.nat(60)), (secrets, text, cuts) => {
      expect(hidden(secrets, text, cuts)).toBe(hidden(secrets, text));
    }));
  });

  it('hides a secret that becomes known while a stream is open', () => {
    const redactor = makeRedactor();
    redactor.add('first-secret');
    const stream = redactor.stream();
    let out = stream.push('one first-secret\n');
    redactor.add('second-secret');
    out += stream.push('two second-sec') + stream.push('ret first-') + stream.push('secret\n') + stream.end();
    expect(out).toBe(`one ${mask}\ntwo ${mask} ${mask}\n`);
  });

  it('hides secrets in the keys and texts of data, and leaves other data alone', () => {
    const redactor = makeRedactor();
    redactor.add('topsecret');
    const clean = { a: [1, 'x'], b: null };
    expect(redactor.deep(clean)).toBe(clean);
    expect(redactor.deep({ list: ['a topsecret'], topsecret: { n: 1 } })).toEqual({ list: [`a ${mask}`], [mask]: { n: 1 } });
  });

  it('says of a secret that it is too short to be hidden', () => {
    expect(makeRedactor().add('ab')).toBe(false);
  });
});
