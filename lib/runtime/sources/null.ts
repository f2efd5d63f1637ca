import type { nullSource } from '../../constructs/sources/null.js';
import { noCommunicator } from '../communicators/none.js';
import type { SourceDriver } from '../driver.js';

export default {
  async start(props) {
    // A group of settings has its defaults even where the user gave none.
    const how = props.communicator ?? (props.ssh?.host === undefined ? 'none' : 'ssh');
    return {
      connect: async ctx => {
        switch (how) {
          case 'none': return noCommunicator();
          case 'local': return (await import('../communicators/local.js')).localCommunicator({ folder: ctx.programFolder });
          case 'ssh': return (await import('../communicators/open.js')).openSsh(props.ssh, {}, ctx);
        }
      },
      capture: async () => ({ madeBy: 'source/null', id: 'Null', files: [], data: {}, outputs: {} }),
      ...(how === 'ssh' ? { hostValues: { guestHost: props.ssh!.host!, guestPort: String(props.ssh!.port), guestUser: props.ssh!.username } } : {}),
    };
  },
  destroy: async () => {},
} satisfies SourceDriver<typeof nullSource>;
