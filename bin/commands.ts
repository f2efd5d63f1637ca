/** All commands, in the order in which help lists them. */
import type { Command } from './command.js';
import build from './commands/build.js';
import cache from './commands/cache.js';
import destroy from './commands/destroy.js';
import explain from './commands/explain.js';
import gc from './commands/gc.js';
import inspect from './commands/inspect.js';
import list from './commands/list.js';
import plan from './commands/plan.js';
import policy from './commands/policy.js';
import retry from './commands/retry.js';
import schema from './commands/schema.js';
import screenshot from './commands/screenshot.js';
import ssh from './commands/ssh.js';
import synth from './commands/synth.js';
import update from './commands/update.js';
import validate from './commands/validate.js';
import version from './commands/version.js';
import why from './commands/why.js';

export const commands: readonly Command[] = [build, retry, plan, why, synth, validate, list, inspect, update, ssh, destroy, screenshot, gc, cache, explain, schema, policy, version];
