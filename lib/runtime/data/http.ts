import { createHash } from 'node:crypto';
import type { httpData } from '../../constructs/data/http.js';
import { errors, isBakeError, messageOf } from '../../errors.js';
import type { DataDriver } from '../driver.js';
import { fetchHere, shownAddress } from '../network/fetch.js';
import { retry, soon } from '../retry.js';
import { jsonOrNull } from '../formats/json-or-null.js';

const fail = errors('DATA_HTTP', {
  STATUS: {
    message: (url: string, status: number, text: string) => `${url} answered ${status} ${text}`.trimEnd(), remedy: 'Look at the address, and at what the server wants to know of you.',
    explain: 'Only answers from 200 to 299 are taken. Others from 500 on, 408 and 429 are tried again first.',
  },
  UNREACHABLE: { message: (url: string, why: string) => `${url} cannot be read: ${why}`, remedy: 'Look at the address and at the network.' },
  TOO_LARGE: { message: (url: string) => `${url} is larger than 16 MiB, and this reads it into memory.`, remedy: 'Read less, or let a step download it.' },
  CHECKSUM: { message: (url: string, expected: string, found: string) => `${url} has the SHA-256 ${found}, and ${expected} was expected.`, remedy: 'Look at what changed there; if it is right, put the new checksum into the program.' },
});

const limit = 16 * 1024 * 1024, attempts = 4;
/** Headers of this one answer, not of what was asked for: recorded, they would differ each time. */
const passing = new Set(['age', 'connection', 'date', 'keep-alive', 'set-cookie', 'transfer-encoding']);

export default {
  async read(props, ctx) {
    const { url, method, requestHeaders, requestBody, timeout } = props, shown = shownAddress(url);
    const answer = await retry(async (_attempt, signal) => {
      const response = await fetchHere(url, {
        method, ...(requestHeaders === undefined ? {} : { headers: requestHeaders }), ...(requestBody === undefined ? {} : { body: requestBody }), signal: soon(timeout.$duration, signal),
      }).catch(error => { throw fail.UNREACHABLE(shown, reasonOf(error), { cause: error }); });
      if (!response.ok) {
        await response.body?.cancel();
        throw fail.STATUS(shown, response.status, response.statusText, { facts: { status: response.status } });
      }
      return { response, body: await bodyOf(response, shown) };
    }, { what: shown, attempts, pause: 500, signal: ctx.signal, retryIf: worthwhile, onRetry: error => ctx.note(`Once more: ${messageOf(error)}`) });
    const found = createHash('sha256').update(answer.body).digest('hex');
    if (props.sha256 !== undefined && props.sha256.toLowerCase() !== found) throw fail.CHECKSUM(shown, props.sha256.toLowerCase(), found);
    const body = answer.body.toString('utf8');
    return { body, json: jsonOrNull(body), responseHeaders: Object.fromEntries([...answer.response.headers].filter(([name]) => !passing.has(name))), url: answer.response.url };
  },
} satisfies DataDriver<typeof httpData>;

async function bodyOf(response: Response, url: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > limit) throw fail.TOO_LARGE(url);
      chunks.push(chunk);
    }
  } catch (error) {
    throw isBakeError(error) ? error : fail.UNREACHABLE(url, reasonOf(error), { cause: error });
  }
  return Buffer.concat(chunks);
}

/** A busy server, a lost packet; not a wrong address or a refused login. */
function worthwhile(error: unknown): boolean {
  if (!isBakeError(error)) return false;
  const status = error.facts['status'];
  return typeof status === 'number' ? status >= 500 || status === 408 || status === 429 : error.code === 'DATA_HTTP_UNREACHABLE' && !/certificate|self-signed|ERR_INVALID_URL|unknown scheme/i.test(error.message);
}

/** fetch says "fetch failed"; the reason is the cause of it. */
function reasonOf(error: unknown): string {
  if ((error as { name?: string }).name === 'TimeoutError') return 'it did not answer in time';
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause === undefined ? messageOf(error) : [cause.code, cause.message].filter(part => part !== undefined && part !== '').join(': ');
}
