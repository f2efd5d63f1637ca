import type { nullSource } from '../../constructs/sources/null.js';
import { noCommunicator } from '../communicators/none.js';
import { winrmPort } from '../communicators/winrm-port.js';
import type { SourceDriver } from '../driver.js';

export default {
  async start(props) {
    // A group of settings has its defaults even where the user gave none.
    const how = props.communicator ?? (props.winrm !== undefined ? 'winrm' : props.ssh?.host === undefined ? 'none' : 'ssh');
    return {
      connect: async ctx => {
        switch (how) {
          case 'none': return noCommunicator();
          case 'local': return (await import('../communicators/local.js')).localCommunicator({ folder: ctx.programFolder });
          case 'winrm': return (await import('../communicators/winrm.js')).openWinrm(props.winrm!, {}, ctx);
          case 'ssh': return (await import('../communicators/open.js')).openSsh(props.ssh, {}, ctx);
        }
      },
      capture: async () => ({ madeBy: 'source/null', id: 'Null', files: [], data: {}, outputs: {} }),
      ...(how === 'winrm' ? { hostValues: { guestHost: props.winrm!.host!, guestPort: String(winrmPort(props.winrm!)), guestUser: props.winrm!.username } } : {}),
      ...(how === 'ssh' ? { hostValues: { guestHost: props.ssh!.host!, guestPort: String(props.ssh!.port), guestUser: props.ssh!.username } } : {}),
    };
  },
  destroy: async () => {},
} satisfies SourceDriver<typeof nullSource>;
