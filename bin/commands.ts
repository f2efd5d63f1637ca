/** All commands, in the order in which help lists them. */
import type { Command } from './command.js';
import explain from './commands/explain.js';
import inspect from './commands/inspect.js';
import list from './commands/list.js';
import schema from './commands/schema.js';
import synth from './commands/synth.js';
import validate from './commands/validate.js';
import version from './commands/version.js';

export const commands: readonly Command[] = [synth, validate, list, inspect, explain, schema, version];
