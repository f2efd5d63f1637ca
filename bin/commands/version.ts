import { command } from '../command.js';
import { packageVersion } from '../version.js';

/** `bake version` */
export default command({
  usage: 'version', about: 'Print the versions of imagebake and Node',
  flags: { json: { type: 'boolean', default: false, describe: 'As JSON' } },
  async run(args, session) {
    const versions = { imagebake: packageVersion(), node: process.versions.node };
    if (args.json) session.json(versions);
    else session.print(Object.entries(versions).map(([name, v]) => `${name} ${v}`).join('\n'));
    return 0;
  },
});
