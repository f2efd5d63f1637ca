/** What Packer's environment variables, manifests and templates call a build. */
import type { Context } from './driver.js';

/** The source's own name where it was given one, else the build's: `qemu.web` in Packer is the source `qemu` of the build `web` here. */
export function packerBuildName({ name, sourceName, sourceType }: Context['build']): string {
  return sourceName === sourceType ? name.slice(name.lastIndexOf('/') + 1) : sourceName;
}

/** Packer's variables, which every script of a step sees, in a guest and on this computer. */
export function packerVariables(ctx: Context): { readonly [name: string]: string } {
  const { httpAddress, httpIp, httpPort } = ctx.hostValues;
  return {
    PACKER_BUILD_NAME: packerBuildName(ctx.build), PACKER_BUILDER_TYPE: ctx.build.sourceType,
    ...(httpAddress === undefined ? {} : { PACKER_HTTP_ADDR: httpAddress }), ...(httpIp === undefined ? {} : { PACKER_HTTP_IP: httpIp }), ...(httpPort === undefined ? {} : { PACKER_HTTP_PORT: httpPort }),
  };
}
