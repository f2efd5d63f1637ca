import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.js';
import { packageFolder } from '../version.js';

/** `bake schema` */
export default command({
  usage: 'schema', about: 'Print the JSON Schema of plans',
  flags: {},
  async run(_args, session) {
    session.print(readFileSync(join(packageFolder(), 'schema/plan.json'), 'utf8'));
    return 0;
  },
});
