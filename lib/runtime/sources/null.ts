import type { nullSource } from '../../constructs/sources/null.js';
import { noCommunicator } from '../communicators/none.js';
import type { SourceDriver } from '../driver.js';

export default {
  async start(props) {
    return {
      connect: async ctx => {
        if (props.communicator === 'none') return noCommunicator();
        return (await import('../communicators/local.js')).localCommunicator({ folder: ctx.programFolder });
      },
      capture: async () => ({ madeBy: 'source/null', id: 'Null', files: [], data: {}, outputs: {} }),
    };
  },
  destroy: async () => {},
} satisfies SourceDriver<typeof nullSource>;
