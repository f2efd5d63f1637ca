/** For guests that fetch large files by themselves: one encrypted stream at one secret address, for as long as one transfer takes. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where to listen, and how the guest sees that. */
export interface PullFrom { readonly listen: string; readonly seenAs: string }

/** Serves what `content` yields, encrypted (AES-256-CBC): the key goes to the guest by the way that is sealed. Rejects where nothing can listen there. */
export async function servePull({ listen, seenAs }: PullFrom, content: () => AsyncIterable<Uint8Array>): Promise<AsyncDisposable & { readonly url: string; readonly key: Buffer; readonly iv: Buffer }> {
  const key = randomBytes(32), iv = randomBytes(16), path = `/${randomBytes(16).toString('hex')}`;
  let taken = false;
  const server = createServer((request, response) => {
    if (request.url !== path || request.method !== 'GET' || taken) { response.writeHead(404).end(); return; }
    taken = true;
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
    // A guest that goes away ends its command too: that tells more.
    pipeline(Readable.from(content()), createCipheriv('aes-256-cbc', key, iv), response).catch(() => {});
  });
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, listen, resolve); });
  server.on('error', () => {});
  const host = isIPv6(seenAs) ? `[${seenAs}]` : seenAs;
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}${path}`, key, iv,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
