/** Objects in buckets: a file goes up in parts, each tried again by itself. */
import { open } from 'node:fs/promises';
import { isGone } from './refusals.js';
import { loadS3 } from './sdk.js';
import type { Calls, Client, Session } from './session.js';

type S3Module = typeof import('@aws-sdk/client-s3');
export const s3Of = (session: Session): Calls<S3Module> => session.service<S3Module>('s3', loadS3, (m, settings) => new m.S3Client(settings) as unknown as Client);

export interface Upload {
  readonly bucket: string; readonly key: string; readonly file: string; readonly size: number;
  readonly encryption?: 'AES256' | 'aws:kms' | undefined; readonly encryptionKey?: string | undefined;
  readonly progress: (bytes: number) => void;
}

const mebibyte = 1024 ** 2, atOnce = 4;

export async function uploadFile(session: Session, { bucket, key, file, size, encryption, encryptionKey, progress }: Upload, signal: AbortSignal): Promise<void> {
  const s3 = s3Of(session), place = { Bucket: bucket, Key: key };
  const { UploadId } = await s3('CreateMultipartUpload', { ...place, ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }), ...(encryptionKey === undefined ? {} : { SSEKMSKeyId: encryptionKey }) });
  // S3 takes 10,000 parts at most, and none under 5 MiB but the last.
  const part = Math.max(8 * mebibyte, Math.ceil(size / 9000 / mebibyte) * mebibyte), count = Math.max(1, Math.ceil(size / part)), parts: { PartNumber: number; ETag: string }[] = [];
  const handle = await open(file, 'r');
  let next = 0, sent = 0;
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, async () => {
      for (let index = next++; index < count && !signal.aborted; index = next++) {
        const length = Math.min(part, size - index * part), buffer = Buffer.alloc(length);
        for (let done = 0; done < length;) {
          const { bytesRead } = await handle.read(buffer, done, length - done, index * part + done);
          if (bytesRead === 0) throw new Error(`${file} became shorter while it was read`);
          done += bytesRead;
        }
        const { ETag } = await s3('UploadPart', { ...place, UploadId: UploadId!, PartNumber: index + 1, Body: buffer });
        parts.push({ PartNumber: index + 1, ETag: ETag! });
        progress(sent += length);
      }
    }));
    signal.throwIfAborted();
  } catch (error) {
    // Parts of an upload that nobody completes cost money for ever.
    await s3Of(session.with(undefined))('AbortMultipartUpload', { ...place, UploadId: UploadId! }).catch(() => {});
    throw error;
  } finally { await handle.close(); }
  await s3('CompleteMultipartUpload', { ...place, UploadId: UploadId!, MultipartUpload: { Parts: parts.sort((a, b) => a.PartNumber - b.PartNumber) } });
}

/** Removes an object, and parts of it that were on their way. `id`: `bucket/key`. */
export async function removeObject(session: Session, id: string): Promise<void> {
  const s3 = s3Of(session), Bucket = id.slice(0, id.indexOf('/')), Key = id.slice(Bucket.length + 1);
  const quiet = (call: Promise<unknown>): Promise<unknown> => call.catch(error => { if (!isGone(error)) throw error; });
  const { Uploads = [] } = await s3('ListMultipartUploads', { Bucket, Prefix: Key }).catch(error => { if (isGone(error)) return { Uploads: [] }; throw error; });
  for (const { Key: at, UploadId } of Uploads) if (at === Key) await quiet(s3('AbortMultipartUpload', { Bucket, Key, UploadId: UploadId! }));
  await quiet(s3('DeleteObject', { Bucket, Key }));
}
