/** The base system, for tests: made once per machine (a minute), kept in the user's cache. */
import { base, type Base, containerBase } from '../../scripts/base/base.js';
import { hostRecipe } from '../../scripts/base/recipe.js';

const say = (message: string): void => { process.stderr.write(`${message}\n`); };

/** A small Debian as a disk; call it in `beforeAll`, and make an overlay of what it gives. `cloudInit`: with cloud-init inside, which doubles the boot. */
export const baseSystem = (options: { readonly cloudInit?: boolean } = {}): Promise<Base> => base(say, hostRecipe(options));
/** The same as an image of the engine: its reference. */
export const baseImage = (): Promise<string> => containerBase(say);
