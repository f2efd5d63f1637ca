/** The public API: what programs import from 'imagebake'. */
export { App, type AppProps } from './constructs/app.js';
export {
  DataSource, PostProcessor, type PostProcessorSettings, Provisioner, ProvisionerGroup, type ProvisionerSettings, Source, type SourceSettings,
} from './constructs/component.js';
export { type BuildOutputs, ImageBuild, type ImageBuildProps, type NamesOf } from './constructs/image-build.js';
export { matrix } from './constructs/matrix.js';
export type { Finding, Policy, Report } from './constructs/policy.js';
export { local, member, SecretVariable, type SecretVariableProps, Variable, type VariableProps, type VariableRule, type VariableValue } from './constructs/variable.js';
export { types, type VariableType } from './constructs/variable-type.js';
export { base64Encode, formatDate, join, jsonEncode, lower, replace, sha256, split, trim, upper } from './functions.js';
export { BakeError, isBakeError } from './errors.js';
export type { Event, Listener } from './events.js';
export type { Plan, Target } from './plan.js';
export type { Problem } from './problems.js';
export { Duration, generated, type GeneratedFile, host, type Input, isotime, type Ref, Secret, type SecretText, Size, text, timestamp, uuid, when } from './values.js';

// Sources
// Provisioners
// Post-processors
// Data sources
