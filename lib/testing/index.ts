/** `imagebake/testing`: unit tests of programs, without a machine. */
export { Capture, Match, type Matcher } from './match.js';
export type { KindLike } from './resources.js';
export type { SnapshotOptions } from './snapshot.js';
export { type ExpectedBuild, type ExpectedProps, type FoundComponent, Template, type Where } from './template.js';
