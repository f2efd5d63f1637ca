/** The image that an artifact stands for: what the post-processors of images start from. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { errors } from '../../errors.js';
import type { Artifact, Context, FileRef } from '../driver.js';
import { fileRef } from '../host/file-ref.js';
import { placeOutput } from '../host/place.js';
import { type Engine, openEngine } from './engine.js';
import { inspectImage } from './images.js';

const fail = errors('DOCKER_ARTIFACT', {
  NO_IMAGE: { message: (madeBy: string) => `What ${madeBy.replace('/', ' ')} made is no image of a container engine.`, remedy: 'Let it follow a docker source with commit: true, docker-tag or docker-import.' },
  NO_NAME: { message: () => 'The image has no name to push it by.', remedy: 'Put a docker-tag before it in the same list.' },
});

export interface NamedImage { readonly engine: Engine; readonly id: string; readonly references: readonly string[] }

/** Throws DOCKER_ARTIFACT_NO_IMAGE where the artifact is none. */
export async function imageOf(artifact: Artifact): Promise<NamedImage> {
  const { host, image, references } = artifact.data as { host?: string; image?: string; references?: readonly string[] };
  const id = image ?? artifact.id;
  if (host === undefined || !id.startsWith('sha256:')) throw fail.NO_IMAGE(artifact.madeBy);
  return { engine: await openEngine(host), id, references: references ?? [] };
}

/** Whether each of its names still stands for the image. */
export async function isImageThere(artifact: Artifact): Promise<boolean> {
  const { engine, id, references } = await imageOf(artifact);
  for (const name of references.length > 0 ? references : [id]) if ((await inspectImage(engine, name))?.Id !== id) return false;
  return true;
}

export function firstName(image: NamedImage): string {
  const [first] = image.references;
  if (first === undefined) throw fail.NO_NAME();
  return first;
}

/** What a post-processor of images made, for those that follow. */
export function imageArtifact(madeBy: string, image: NamedImage, outputs: Artifact['outputs']): Artifact {
  return { madeBy, id: image.references[0] ?? image.id, files: [], data: { host: image.engine.host, image: image.id, references: [...image.references] }, outputs };
}

/** Writes a stream of the engine to its place, whole or not at all; the file. */
export async function saveStream(path: string, stream: NodeJS.ReadableStream, ctx: Context): Promise<FileRef> {
  const output = await placeOutput(path, ctx);
  await pipeline(stream, createWriteStream(output.path), { signal: ctx.signal });
  const file = await fileRef(output.path, ctx.signal);
  await output.commit();
  return { ...file, path };
}
