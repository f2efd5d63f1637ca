/** `imagebake/testing`: unit tests of programs, without a machine. */
export { type Answer, type Answers, type Asked, Guest, type GuestProps, type Pattern } from './guest.js';
export { Capture, Match, type Matcher } from './match.js';
export type { KindLike } from './resources.js';
export { simulate, type SimulateOptions } from './simulate.js';
export type { CommandRun, FileFetched, FileSent, Simulation, StepRun } from './simulation.js';
export type { SnapshotOptions } from './snapshot.js';
export { type ExpectedBuild, type ExpectedProps, type FoundComponent, Template, type Where } from './template.js';
