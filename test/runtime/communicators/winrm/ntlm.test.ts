import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hmacMd5, md4, rc4 } from '../../../../lib/runtime/communicators/winrm/ciphers.js';
import { accountOf, authenticate, negotiateMessage, readChallenge, SealedSession } from '../../../../lib/runtime/communicators/winrm/ntlm.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('the ciphers', () => {
  test.each([
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'], ['a', 'bde52cb31de33e46245e05fbdbd6fb24'], ['abc', 'a448017aaf21d8525fc10ae87aa6729d'], ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'], ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ])('MD4 of %j is as in RFC 1320', (text, digest) => expect(md4(Buffer.from(text)).toString('hex')).toBe(digest));
  test.each([['Key', 'Plaintext', 'bbf316e8d940af0ad3'], ['Wiki', 'pedia', '1021bf0420'], ['Secret', 'Attack at dawn', '45a01f645fc35b383552544b9bf5']])('RC4 with the key %j', (key, text, sealed) => {
    expect(rc4(Buffer.from(key))(Buffer.from(text)).toString('hex')).toBe(sealed);
  });
  test('an RC4 stream goes on where it was', () => {
    const stream = rc4(Buffer.from('Key'));
    expect(Buffer.concat([stream(Buffer.from('Plain')), stream(Buffer.from('text'))]).toString('hex')).toBe('bbf316e8d940af0ad3');
  });
});

describe('the values that [MS-NLMP] 4.2.4 publishes for NTLMv2', () => {
  const account = { domain: 'Domain', user: 'User', password: 'Password' };
  const challenge = hex('4e544c4d53535000 02000000 0c000c00 38000000 33828ae2 0123456789abcdef 0000000000000000 24002400 44000000 0600701700 00000f 530065007200760065007200 02000c0044006f006d00610069006e00 01000c005300650072007600650072 00 00000000');
  const { message, session, exportedKey } = authenticate(account, negotiateMessage(), challenge, {
    clientChallenge: Buffer.alloc(8, 0xaa), sessionKey: Buffer.alloc(16, 0x55), time: Buffer.alloc(8), workstation: 'COMPUTER', plainTargetInfo: true,
  });
  const field = (i: number): Buffer => message.subarray(message.readUInt32LE(16 + i * 8), message.readUInt32LE(16 + i * 8) + message.readUInt16LE(12 + i * 8));

  test('NTOWFv2', () => expect(hmacMd5(md4(Buffer.from('Password', 'utf16le')), Buffer.from('USERDomain', 'utf16le')).toString('hex')).toBe('0c868a403bfd7a93a3001ef22ef02e3f'));
  test('the responses', () => {
    expect(field(0).toString('hex')).toBe('86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
    expect(field(1).subarray(0, 16).toString('hex')).toBe('68cd0ab851e51c96aabc927bebef6a1c');
    expect([field(2), field(3), field(4)].map(f => f.toString('utf16le'))).toEqual(['Domain', 'User', 'COMPUTER']);
  });
  test('the encrypted session key', () => expect([field(5).toString('hex'), exportedKey.toString('hex')]).toEqual(['c5dad2544fc9799094ce1ce90bc9d03e', '55'.repeat(16)]));
  test('a sealed message and its signature', () => {
    const { signature, sealed } = session.seal(Buffer.from('Plaintext', 'utf16le'));
    expect([sealed.toString('hex'), signature.toString('hex')]).toEqual(['54e50165bf1936dc996020c1811b0f06fb5f', '010000007fb38ec5c55d497600000000']);
  });
});

describe('sealed messages', () => {
  const key = createHash('md5').update('x').digest();
  test('are opened in their order', () => {
    const client = new SealedSession(key), server = new SealedSession(key, 'server');
    for (const text of ['one', 'two', '', 'four']) {
      const { signature, sealed } = client.seal(Buffer.from(text));
      expect(server.open(signature, sealed).toString()).toBe(text);
      const back = server.seal(Buffer.from(`${text} back`));
      expect(client.open(back.signature, back.sealed).toString()).toBe(`${text} back`);
    }
  });
  test('that somebody changed are refused', () => {
    const client = new SealedSession(key), server = new SealedSession(key, 'server'), { signature, sealed } = client.seal(Buffer.from('text'));
    sealed[0]! ^= 1;
    expect(() => server.open(signature, sealed)).toThrow('wrong signature');
  });
});

test.each([[Buffer.from('no'), 'no NTLM challenge'], [Buffer.concat([Buffer.from('NTLMSSP\0'), hex('02000000'), Buffer.alloc(36)]), 'too weak']])('a challenge that is none is refused', (message, said) => {
  expect(() => readChallenge(message)).toThrow(said);
});
test('a user name may name its domain', () => expect([accountOf('CORP\\me', 'x'), accountOf('me@corp.example', 'x'), accountOf('me', 'x')].map(a => [a.domain, a.user])).toEqual([['CORP', 'me'], ['', 'me@corp.example'], ['', 'me']]));
