/** The driver of AmazonImportPostProcessor. */
import { basename, extname } from 'node:path';
import type { amazonImport } from '../../constructs/post-processors/amazon-import.js';
import { errors, problemData } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import { imageArtifact, imagesPresent, reapThing } from '../aws/artifact.js';
import { settle } from '../aws/image-settings.js';
import { available, imagesNamed } from '../aws/images.js';
import { defined } from '../aws/instance.js';
import { adopt, type Made, type Maker, make } from '../aws/making.js';
import { markTags, newMark, ownerOf, specifications, tagList } from '../aws/marks.js';
import { s3Of, uploadFile } from '../aws/s3.js';
import { accessOf, keysOf, openSession, type Session } from '../aws/session.js';
import { awaitState } from '../aws/wait.js';
import type { Artifact, Context, FileRef, PostProcessorDriver } from '../driver.js';

const fail = errors('IMPORT', {
  NO_DISK: {
    message: (madeBy: string, names: string) => `What ${madeBy} made has no disk that EC2 imports${names === '' ? '' : `: ${names}`}.`,
    remedy: 'EC2 takes ova, raw, vhd and vmdk. For QEMU, set format: \'raw\'; for a file of another name, set format here.',
  },
  SEVERAL_DISKS: { message: (names: string) => `Which disk is to be imported? There are ${names}.`, remedy: 'Set format to the one that is meant, or import each in a build of its own.' },
  NAME_TAKEN: { message: (name: string, region: string, id: string) => `There is an image '${name}' in ${region} already: ${id}.`, remedy: 'Put a version or text`…${timestamp()}` into amiName.' },
});

type Props = Resolved<typeof amazonImport>;
const driver = 'post-processor/amazon-import', formats = ['ova', 'raw', 'vhd', 'vmdk'];
/** Milliseconds: EC2 converts and looks through the disk. */
const budget = 8 * 3_600_000;
/** How long what is made on the way may exist, in milliseconds. */
const lifetime = 24 * 3_600_000;

async function withSession<T>(props: Props, ctx: Context, work: (session: Session) => Promise<T>): Promise<T> {
  const session = openSession(accessOf(props), { keys: keysOf(props), signal: ctx.signal, run: ctx.run.id, note: message => ctx.note(message) });
  try { return await work(session); } finally { session.close(); }
}

function diskOf(input: Artifact, format: string | undefined): { readonly file: FileRef; readonly format: string } {
  const ending = (f: FileRef): string => extname(f.path).slice(1).toLowerCase();
  const fitting = format === undefined || input.files.length > 1 ? input.files.filter(f => (format === undefined ? formats.includes(ending(f)) : ending(f) === format)) : input.files;
  const names = (files: readonly FileRef[]): string => files.map(f => basename(f.path)).join(', ');
  if (fitting.length === 0) throw fail.NO_DISK(input.madeBy, names(input.files));
  if (fitting.length > 1) throw fail.SEVERAL_DISKS(names(fitting));
  return { file: fitting[0]!, format: format ?? ending(fitting[0]!) };
}

async function run(props: Props, input: Artifact, ctx: Context, session: Session): Promise<Artifact> {
  const { file, format } = diskOf(input, props.format), maker: Maker = { ctx, session, driver, owner: ownerOf(ctx, lifetime), tags: {} };
  const key = props.s3KeyName ?? `imagebake-${newMark()}.${format}`, object = `${props.s3BucketName}/${key}`;
  ctx.note(`Uploading ${basename(file.path)} to ${object}.`);
  const uploaded = await make(maker, 's3-object', { name: object, called: object, until: props.skipClean ? 'failure' : 'always' }, async () => {
    await uploadFile(session, { bucket: props.s3BucketName, key, file: file.path, size: file.size, encryption: props.s3Encryption, encryptionKey: props.s3EncryptionKey, progress: done => ctx.progress(`upload ${basename(file.path)}`, done, file.size, 'bytes') }, ctx.signal);
    return { id: object, value: undefined };
  });
  const imported = await importDisk(maker, props, key, format);
  const image = props.amiName !== undefined || props.amiEncrypt ? await named(maker, props, imported.image) : undefined;
  const final = image ?? await adopt(maker, 'image', imported.image, { name: imported.image, until: 'failure' }, async mark => {
    await session.ec2('CreateTags', { Resources: [imported.image], Tags: tagList({ ...props.tags, ...ours(maker, mark) }) });
  });
  const snapshots = await settle(session, final.id, { ...props, amiName: '', skipAmiRunTags: true, forceDeregister: false, forceDeleteSnapshot: false, skipSaveBuildRegion: false }, maker);
  if (image === undefined && snapshots.length > 0 && props.tags !== undefined) await session.ec2('CreateTags', { Resources: [...snapshots], Tags: tagList(props.tags) });
  // The image that went in goes, when another stands for it; else it is the result, and the task is only a record.
  if (image === undefined) await imported.task.keep(); else await imported.task.remove();
  await ctx.scope.shield(async () => {
    await session.with(undefined).ec2('DeleteTags', { Resources: [final.id, ...(image === undefined ? [] : snapshots)], Tags: [{ Key: markTags.expires }] });
    await final.keep();
  });
  if (!props.skipClean) await uploaded.remove();
  const name = props.amiName ?? (await session.ec2('DescribeImages', { ImageIds: [final.id] })).Images?.[0]?.Name ?? '';
  const artifact = imageArtifact(driver, session.access, { name, amis: { [session.region]: final.id }, snapshots: { [session.region]: snapshots } }, { id: '', name: '' });
  const { sourceAmi: _id, sourceAmiName: _name, ...outputs } = artifact.outputs;
  return { ...artifact, outputs };
}

const ours = ({ owner }: Maker, mark: string): { readonly [tag: string]: string } => ({ [markTags.run]: owner.run, [markTags.target]: owner.target, [markTags.expires]: owner.expires, [markTags.mark]: mark });

async function importDisk(maker: Maker, props: Props, key: string, format: string): Promise<{ readonly image: string; readonly task: Made<string> }> {
  const { session, ctx } = maker;
  const task = await make<string>(maker, 'import-task', { name: `import of ${key}` }, async (tags, mark) => {
    const { ImportTaskId } = await session.ec2('ImportImage', defined({
      ClientToken: mark, Description: props.amiDescription ?? key, DiskContainers: [{ Format: format, UserBucket: { S3Bucket: props.s3BucketName, S3Key: key } }], Architecture: props.architecture, BootMode: props.bootMode,
      LicenseType: props.licenseType, RoleName: props.roleName, Platform: props.platform === undefined ? undefined : props.platform === 'linux' ? 'Linux' : 'Windows', TagSpecifications: specifications<'import-image-task'>(['import-image-task'], tags()),
    }));
    return { id: ImportTaskId!, value: ImportTaskId! };
  });
  const image = await awaitState({
    what: `Import ${task.id}`, access: session.access, signal: ctx.signal, note: message => ctx.note(message), budget, wanted: ['completed'], failed: ['deleted', 'deleting', 'cancelled'],
    look: async () => {
      const seen = (await session.ec2('DescribeImportImageTasks', { ImportTaskIds: [task.id] })).ImportImageTasks?.[0];
      return seen === undefined ? undefined : { state: seen.Status ?? 'unknown', reason: seen.StatusMessage, progress: seen.Status === 'active' && seen.Progress !== undefined ? `${seen.Progress} %` : undefined, value: seen.ImageId };
    },
  });
  return { image: image!, task };
}

/** A copy with the name and the key that are wanted: what EC2 imports has a name of its own. */
async function named(maker: Maker, props: Props, from: string): Promise<Made<string>> {
  const { session } = maker, name = props.amiName ?? `imagebake-${newMark()}`;
  const made = await make<string>(maker, 'image', { name, until: 'failure' }, async (_tags, mark) => {
    const { ImageId } = await session.ec2('CopyImage', defined({
      SourceImageId: from, SourceRegion: session.region, Name: name, Description: props.amiDescription, ClientToken: mark, Encrypted: props.amiEncrypt ? true : undefined, KmsKeyId: props.amiKmsKey,
      TagSpecifications: specifications<'image' | 'snapshot'>(['image', 'snapshot'], tagList({ ...props.tags, ...ours(maker, mark) })),
    }));
    return { id: ImageId!, value: ImageId! };
  });
  await available(maker, session, made.id);
  return made;
}

export default {
  effects: 'outside',
  preflight: (props, ctx) => withSession(props, ctx, async session => {
    const looks = [
      async () => { await s3Of(session)('ListMultipartUploads', { Bucket: props.s3BucketName, MaxUploads: 1 }); },
      async () => {
        const taken = props.amiName === undefined ? undefined : (await imagesNamed(session, props.amiName))[0];
        if (taken !== undefined) throw fail.NAME_TAKEN(props.amiName!, session.region, taken.ImageId!);
      },
    ];
    return (await Promise.all(looks.map(look => look().then(() => [], (error: unknown) => [problemData(error, 'AWS')])))).flat();
  }),
  run: (props, input, ctx) => withSession(props, ctx, async session => ({ artifact: await run(props, input, ctx, session), keepInput: 'no' })),
  present: imagesPresent,
  reap: reapThing,
} satisfies PostProcessorDriver<typeof amazonImport>;
