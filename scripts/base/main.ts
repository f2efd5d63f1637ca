/** `npx tsx scripts/base/main.ts [--container] [--cloud-init]`: makes the base system and prints where it lies, as JSON. */
import { base, containerBase } from './base.js';
import { hostRecipe } from './recipe.js';

const say = (message: string) => { process.stderr.write(`${message}\n`); };
const recipe = hostRecipe({ cloudInit: process.argv.includes('--cloud-init') });
const made = await base(say, recipe);
const container = process.argv.includes('--container') ? await containerBase(say, recipe) : undefined;
process.stdout.write(`${JSON.stringify({ ...made, container }, undefined, 2)}\n`);
