/** Instances saved as images of their own, to go on from: they belong to the store of checkpoints, and to whoever sweeps the account once nobody wants them any more. */
import type { Image } from '@aws-sdk/client-ec2';
import type { Json } from '../../json.js';
import type { Context, Saved } from '../driver.js';
import { imageThere, type Host, type HostProps, needsPassword } from './host.js';
import { available } from './images.js';
import { type Maker, make } from './making.js';
import { ownerOf, specifications } from './marks.js';
import { type Access, accessJson, openSession, type Session } from './session.js';
import { removeThing } from './things.js';

/** Milliseconds that a saved machine may exist: after this `bake gc` takes its image, and the next build makes it again. */
const lifetime = 30 * 86_400_000;

/** What is known of the image that a build began with: names and tags speak of it, long after it is gone. */
type SourceFacts = Pick<Image, 'Name' | 'OwnerId' | 'ImageOwnerAlias' | 'CreationDate' | 'Tags'> & { readonly ImageId: string };
/** What stands in the store. */
export interface SavedInstance {
  readonly access: Access; readonly region: string;
  /** The image that it is saved as. */
  readonly image: string;
  readonly source: SourceFacts;
  /** Keys of the runs before, by the base64 part of their public halves: they are in the image, and must not be in what is made of it. */
  readonly loginKeys: readonly string[];
}

/** Whether a machine with these settings can be gone on from: Windows makes a new password only at its first boot. */
export const canBeSaved = (props: HostProps): boolean => !needsPassword(props);

/** Makes an image of the running instance, which EC2 reboots for it, so that what is on the disk is whole. Takes minutes. */
export async function saveInstance(host: Host, ctx: Context): Promise<Saved> {
  const session = host.maker.session.with(ctx.signal), maker: Maker = { ...host.maker, ctx, session, owner: ownerOf(ctx, lifetime) };
  ctx.note(`Instance ${host.id} is saved as an image, and rebooted for that.`);
  const made = await make<string>(maker, 'image', { name: `imagebake checkpoint of ${ctx.target}`, until: 'handed over' }, async (tags, mark) => {
    const { ImageId } = await session.ec2('CreateImage', {
      InstanceId: host.id, Name: `imagebake-checkpoint-${mark}`, Description: `A build of ${ctx.target}, to go on from`, TagSpecifications: specifications(['image', 'snapshot'], tags()),
    }, { once: true });
    return { id: ImageId!, value: ImageId! };
  });
  await available(maker, session, made.id);
  await host.guest!.reconnect({ budget: host.patience, signal: ctx.signal });
  const { ImageId, Name, OwnerId, ImageOwnerAlias, CreationDate, Tags } = host.source;
  const data: SavedInstance = {
    access: session.access, region: session.region, image: made.id, loginKeys: host.loginKeys,
    source: { ImageId, ...JSON.parse(JSON.stringify({ Name, OwnerId, ImageOwnerAlias, CreationDate, Tags })) as object },
  };
  return { fits: null, data: { ...data, access: accessJson(session.access) } as unknown as Json, blobs: {}, stored: () => made.keep() };
}

export const savedInstance = (saved: Saved): SavedInstance => saved.data as unknown as SavedInstance;

async function withSession<T>(access: Access, work: (session: Session) => Promise<T>): Promise<T> {
  const session = openSession(access);
  try { return await work(session); } finally { session.close(); }
}
export function isIntact(saved: Saved): Promise<boolean> {
  const { access, region, image } = savedInstance(saved);
  return withSession(access, session => imageThere(session, region, image));
}
/** Deregisters the image and removes its snapshots. */
export function forgetInstance(saved: Saved): Promise<void> {
  const { access, region, image } = savedInstance(saved);
  return withSession(access, session => removeThing(session, { type: 'image', access, region, mark: '', id: image }));
}
