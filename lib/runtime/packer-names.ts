/** What Packer's environment variables, manifests and templates call a build. */
import type { Context } from './driver.js';

/** The source's own name where it was given one, else the build's: `qemu.web` in Packer is the source `qemu` of the build `web` here. */
export function packerBuildName({ name, sourceName, sourceType }: Context['build']): string {
  return sourceName === sourceType ? name.slice(name.lastIndexOf('/') + 1) : sourceName;
}
