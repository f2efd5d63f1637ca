/** Goes on from a saved machine: from its memory where it fits, else by booting from its disk. */
import { join } from 'node:path';
import { errors, isBakeError, messageOf } from '../../../errors.js';
import { canonicalJson } from '../../../json.js';
import type { Context, JournalEntry, Saved } from '../../driver.js';
import { capture } from '../../host/process.js';
import { retry } from '../../retry.js';
import { Agent, agentListens } from './agent.js';
import { sockets } from './command-line.js';
import { endProcess, noProcess, wordsSince } from './launch.js';
import { launchPrepared, QemuMachine, startMachine } from './machine.js';
import type { Values } from './install.js';
import type { Places } from './places.js';
import type { Origin, Prepared, Props } from './prepare.js';
import type { Qmp } from './qmp.js';
import { blobNames, difference, fits, readKeys, type SavedData } from './save.js';
import { sayColdBoot, wake } from './wake.js';

const fail = errors('RESUME', {
  REFUSED: { message: (words: string) => `QEMU does not take the saved memory: ${words}.` },
});

/** What a saved machine goes on from: the layers of its disks, its keys, the firmware's variables. */
export async function originOf(saved: Saved, start: Pick<Origin, 'image' | 'iso'>): Promise<Origin> {
  const { instance, disks } = saved.data as unknown as SavedData;
  return {
    ...start,
    before: {
      instance, keys: await readKeys(saved.blobs[blobNames.keys]), vars: saved.blobs[blobNames.vars]?.path, tpm: saved.blobs[blobNames.tpm]?.path,
      disks: disks.map(({ size, layers }, disk) => ({ size, layers: Array.from({ length: layers }, (_, n) => ({ path: saved.blobs[blobNames.layer(disk, n)]!.path, format: 'qcow2' })) })),
    },
  };
}

/** Starts it. Where the memory does not load, says why and boots from the disk. */
export async function resumeMachine(prepared: Prepared, saved: Saved, places: Places, props: Props, values: Values, entry: JournalEntry, ctx: Context): Promise<QemuMachine> {
  if ((saved.data as unknown as SavedData).off) return new QemuMachine(noProcess(), prepared, places, props, values, entry);
  const now = await fits(prepared);
  const reason = canonicalJson(now) === canonicalJson(saved.fits) ? undefined : difference(saved.fits, now);
  if (reason === undefined) {
    try { return await fromMemory(prepared, saved, places, props, values, entry, ctx); }
    catch (error) {
      if (ctx.signal.aborted || !isBakeError(error)) throw error;
      sayColdBoot(messageOf(error), ctx);
    }
  } else sayColdBoot(reason, ctx);
  return startMachine(prepared, places, props, values, entry, ctx, true);
}

async function fromMemory(prepared: Prepared, saved: Saved, places: Places, props: Props, values: Values, entry: JournalEntry, ctx: Context): Promise<QemuMachine> {
  const began = Date.now();
  // A copy of its own, so that this machine can be saved again.
  await capture('cp', ['--sparse=always', '--reflink=auto', '--', saved.blobs[blobNames.memory]!.path, places.memory], { signal: ctx.signal });
  const running = await launchPrepared({ ...prepared, spec: { ...prepared.spec, incoming: true } }, places, entry, ctx, saved.blobs[blobNames.devices]!.path), { qmp } = running;
  try {
    await qmp.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });
    await qmp.execute('migrate-incoming', { uri: 'fd:3' });
    await loaded(qmp, ctx.signal);
    await qmp.execute('cont');
  } catch (error) {
    qmp.close();
    await endProcess(running.process);
    const said = await wordsSince(places.log);
    throw said === '' || ctx.signal.aborted ? error : fail.REFUSED(said, { cause: error });
  }
  const machine = new QemuMachine(running, prepared, places, props, values, entry);
  machine.installed = true;
  machine.restored = { fresh: false };
  await machine.sayScreen(ctx);
  // Before anything uses either: twins of one memory repeat each other's random numbers, and the clock stands where it was saved.
  const agent = await agentListens(qmp, 1500) ? await Agent.open(join(places.folder, sockets.agent), 15_000, ctx.signal) : undefined;
  if (agent !== undefined) {
    try { await wake(agent); machine.restored = { fresh: true }; }
    catch (error) { ctx.note(`the guest agent could not set clock and random numbers: ${messageOf(error)}`, { detail: true }); }
    finally { agent.close(); }
  }
  ctx.note(`resumed from memory after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return machine;
}

/** QEMU loads while nobody may ask much; a memory that does not fit ends the process. */
async function loaded(qmp: Qmp, signal: AbortSignal): Promise<void> {
  await retry(async () => {
    if ((await qmp.execute<{ status: string }>('query-status')).status === 'inmigrate') throw new Error('it still loads');
  }, { what: 'the saved memory to be loaded', budget: 60_000, pause: 3, maxPause: 50, signal, retryIf: () => qmp.isOpen });
}
