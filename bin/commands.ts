/** All commands, in the order in which help lists them. */
import type { Command } from './command.js';
import build from './commands/build.js';
import destroy from './commands/destroy.js';
import explain from './commands/explain.js';
import gc from './commands/gc.js';
import inspect from './commands/inspect.js';
import list from './commands/list.js';
import schema from './commands/schema.js';
import ssh from './commands/ssh.js';
import synth from './commands/synth.js';
import validate from './commands/validate.js';
import version from './commands/version.js';

export const commands: readonly Command[] = [build, synth, validate, list, inspect, ssh, destroy, gc, explain, schema, version];
