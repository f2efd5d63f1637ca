/** What the builders of AMIs have in common: an instance, a first image made of it in each builder's own way, and everything after. */
import type { Artifact, Context, Machine, PreflightProblem, Saved } from '../driver.js';
import { destroyImages, imageArtifact, imagesPresent, reapThing } from './artifact.js';
import { type Host, type HostProps, makerFor, startHost, withSession } from './host.js';
import { completeImages, type FirstImage, type ImagePlan, type ImageProps, makeImages } from './images.js';
import type { Maker } from './making.js';
import { outline } from './outline.js';
import { preflightImage } from './preflight.js';
import { retire } from './retention.js';
import { canBeSaved, forgetInstance, isIntact, type SavedInstance, saveInstance, savedInstance } from './saved.js';
import { findSourceImage } from './source-image.js';
import { shellOn } from './shell.js';
import { findStrays } from './strays.js';

export type BuilderProps = HostProps & ImageProps & { readonly skipCreateAmi?: boolean };

/** How a builder makes the first image of its instance, which is off, or runs where it cannot be switched off. */
export type First<P> = (host: Host, props: P, plan: ImagePlan, maker: Maker, state: 'stopped' | 'running') => FirstImage;

/** The members of a source's driver. */
export function imageBuilder<P extends BuilderProps>(driver: string, first: First<P>) {
  const start = async (props: P, ctx: Context, saved?: SavedInstance): Promise<Machine> => {
    const host = await startHost(driver, props, ctx, saved);
    return {
      connect: inner => host.connect(inner),
      ...(canBeSaved(props) ? { save: (inner: Context) => saveInstance(host, inner) } : {}),
      lost: () => host.lost(),
      get hostValues() { return host.hostValues; },
      capture: (now, inner) => capture(host, now as P, inner),
      keep: async () => host.keep(),
    };
  };

  async function capture(host: Host, props: P, ctx: Context): Promise<Artifact> {
    const maker: Maker = { ...host.maker, ctx, session: host.maker.session.with(ctx.signal) }, source = { id: host.source.ImageId, name: host.source.Name ?? '' };
    if (props.skipCreateAmi) {
      ctx.note('No image is made: skipCreateAmi is set.');
      return imageArtifact(driver, maker.session.access, { name: '', amis: {}, snapshots: {} }, source);
    }
    const plan: ImagePlan = { props, values: host.values.packer, key: ctx.key };
    const state = await host.stop(ctx);
    const set = await makeImages(maker, plan, first(host, props, plan, maker, state), () => host.running.remove());
    await retire(maker, props.retention, Object.keys(set.amis));
    return imageArtifact(driver, maker.session.access, set, source);
  }

  return {
    preflight: (props: P, ctx: Context): Promise<readonly PreflightProblem[]> => preflightImage(driver, props, ctx),
    outline: (props: P, ctx: Context): Promise<readonly string[]> => withSession(props, ctx, session => outline(session, props)),
    start: (props: P, ctx: Context): Promise<Machine> => start(props, ctx),
    resume: (props: P, saved: Saved, ctx: Context): Promise<Machine> => start(props, ctx, savedInstance(saved)),
    savesOnRequest: true,
    intact: isIntact,
    forget: forgetInstance,
    // An image of another build counts by its own key.
    identify: async (props: P, ctx: Context): Promise<string | null> => props.sourceAmi ?? (props.sourceAmiFilter === undefined ? null : withSession(props, ctx, async session => (await findSourceImage(session, props)).ImageId)),
    complete: (props: P, ctx: Context): Promise<Artifact | undefined> => withSession(props, ctx, async session => {
      if (props.skipCreateAmi || ctx.key === undefined) return undefined;
      const maker = makerFor(driver, props, session, ctx);
      const set = await completeImages(maker, { props, values: {}, key: ctx.key });
      if (set === undefined) return undefined;
      await retire(maker, props.retention, Object.keys(set.amis));
      const source = await findSourceImage(session, props);
      return imageArtifact(driver, session.access, set, { id: source.ImageId, name: source.Name ?? '' });
    }),
    boot: (artifact: Artifact, props: P, ctx: Context): Promise<Machine> => {
      const { sourceAmiFilter: _filter, from: _from, ...rest } = props;
      return start({ ...rest, sourceAmi: String(artifact.outputs['amiId']) } as unknown as P, ctx);
    },
    present: imagesPresent,
    destroy: destroyImages,
    reap: reapThing,
    strays: () => findStrays(),
    shell: shellOn,
  };
}
