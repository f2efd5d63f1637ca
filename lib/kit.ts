/** `imagebake/kit`: what a package of components builds on: the field kit, kinds, rules, base classes and the drivers' interfaces. */
export { combine, field, type Field, type Fields, type ImageOf, type ImageRef, type PropsOf, type ReadOf, type ResolvedOf, type WriteOf } from './fields.js';
export { data, type AnyKind, type Kind, type OutputsOf, postProcessor, provisioner, type Resolved, source } from './kinds.js';
export { atLeastOne, atMostOne, exactlyOne, must, needs, type Rule } from './rules.js';
export {
  DataSource, PostProcessor, type PostProcessorFor, type PostProcessorSettings, Provisioner, type ProvisionerFor, type ProvisionerSettings, Source, type SourceSettings,
} from './constructs/component.js';
export { BakeError, errors, isBakeError } from './errors.js';
export { Duration, Secret, Size } from './values.js';
export type {
  Artifact, Communicator, Context, DataContext, DataDriver, Endpoint, ExecOptions, Exit, FileRef, Journal, JournalEntry, Leftover, Machine, PostProcessorDriver,
  PreflightProblem, ProvisionerDriver, Saved, SourceDriver, UploadOptions,
} from './runtime/driver.js';
export type { Scope } from './runtime/scope.js';
