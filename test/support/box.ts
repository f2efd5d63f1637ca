/** A machine for tests of the runtime: a process of this computer that waits, journalled by its driver and ended by it. Its steps run on this computer. */
import { spawn } from 'node:child_process';
import { field, type PropsOf, source, Source, type SourceDriver, type SourceSettings } from '../../lib/kit.js';
import type { AnyKind } from '../../lib/kinds.js';
import { localCommunicator } from '../../lib/runtime/communicators/local.js';
import { endGroup } from '../../lib/runtime/host/process.js';
import { makeRegistry, type Registry } from '../../lib/runtime/registry.js';

const fields = {
  /** Whether the machine can stay after a failure. */
  canStay: field.boolean({ default: true }),
};
const outputs = { pid: field.integer({ required: true }) };
export const box = source('@test/box:box', fields, { outputs, driver: async (): Promise<{ default: unknown }> => ({ default: driver }) });

const driver: SourceDriver<typeof box> = {
  async start(props, ctx) {
    const entry = await ctx.journal.intend({ driver: box.key, what: 'box', name: ctx.path, data: null });
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    child.unref();
    const pid = child.pid!;
    await entry.made({ pid });
    ctx.scope.defer('end the box', async ending => {
      if (ending.outcome === 'kept') return;
      await endGroup(pid);
      await entry.gone();
    });
    return {
      connect: async () => localCommunicator({ folder: ctx.programFolder }),
      capture: async () => ({ madeBy: box.key, id: `box-${pid}`, files: [], data: {}, outputs: { pid } }),
      ...(props.canStay ? { keep: async () => ({ pid }) } : {}),
    };
  },
  reap: async ({ data }) => { if (data !== null) await endGroup((data as { pid: number }).pid); },
  shell: async kept => (kept as { pid: number }).pid,
  present: async () => false,
  destroy: async () => {},
};

export class BoxSource<const N extends string = 'box'> extends Source<typeof box, N> {
  constructor(props: PropsOf<typeof box.fields> & SourceSettings<N> = {}) { super(box, { name: 'box' as N, ...props }); }
}
export const boxKinds: readonly AnyKind[] = [box];
export const boxRegistry = (): Registry => makeRegistry({ kinds: boxKinds });
