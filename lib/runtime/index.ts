/** `imagebake/runtime`: runs Plans. */
export type { LockOptions } from './data.js';
export { lockFileName } from './images-lock.js';
export { type DataChange, updateData, type UpdateOptions } from './update.js';
export { run, interruption, type RunOptions } from './run.js';
export type { RunResult, StepTiming, TargetResult } from './results.js';
export { collectGarbage, type GcOptions, type GcResult, type RunLeftover } from './gc.js';
export { destroyKept, type KeptMachine, keptMachines, openKept } from './kept.js';
export { makeRegistry, type Registry } from './registry.js';
export { selectTargets, type Selection } from './select.js';
export { describeEvent } from './event-text.js';
export { forecast, type Forecast } from './forecast.js';
export type { CheckpointOptions } from './checkpoints/options.js';
export { type CheckpointRecord, CheckpointStore, type StoreEntry } from './checkpoints/store.js';
export type { PruneResult } from './checkpoints/prune.js';
export type { Verified } from './checkpoints/verify.js';
export type { Change } from './checkpoints/why.js';
