/** Small components of every role, for tests of the language itself: what they are is known here, and no driver runs them. */
import type { Construct } from 'constructs';
import { DataSource, PostProcessor, type PostProcessorSettings, Provisioner, type ProvisionerSettings, Source, type SourceSettings } from '../../lib/constructs/component.js';
import { combine, field, type PropsOf } from '../../lib/fields.js';
import { data, postProcessor, provisioner, source } from '../../lib/kinds.js';
import { exactlyOne, needs } from '../../lib/rules.js';
import { Duration, Size } from '../../lib/values.js';

const loginTable = {
  /** How to log in. */
  login: field.group({
    /** User to log in as. */
    username: field.string({ required: true }),
    password: field.secret(),
    port: field.integer({ default: 22, min: 1, max: 65_535 }),
    timeout: field.duration({ default: Duration.minutes(5), affects: 'none' }),
  }, { prefix: 'ssh_' }),
};
type LoginTable = typeof loginTable;
interface LoginFields extends LoginTable {}
const loginFields: LoginFields = loginTable;

export const vm = source('vm', combine(loginFields, {
  isoUrl: field.url(),
  diskImage: field.path({ kind: 'file' }),
  from: field.image('vm'),
  diskSize: field.size({ default: Size.gib(40) }),
  memory: field.size({ default: Size.gib(1), affects: 'machine' }),
  accelerator: field.oneOf(['kvm', 'tcg'], { affects: 'machine' }),
  output: field.outputPath(),
  headless: field.boolean({ affects: 'none' }),
  args: field.list(field.list(field.string())),
  extraDisks: field.blocks({ size: field.size({ required: true }), label: field.string({ affects: 'capture' }) }),
}), { rules: [exactlyOne('isoUrl', 'diskImage', 'from')], outputs: { path: field.string({ required: true }) } });
export interface VmSourceProps<N extends string = string> extends PropsOf<typeof vm.fields>, SourceSettings<N> {}
export class VmSource<const N extends string = 'vm'> extends Source<typeof vm, N> {
  constructor(props: VmSourceProps<N>) { super(vm, props); }
}

export const cloud = source('cloud', combine(loginFields, {
  region: field.string({ required: true }),
  imageName: field.string({ required: true, affects: 'capture' }),
  tags: field.map(field.string(), { affects: 'capture' }),
}), { outputs: { imageId: field.string({ required: true }) } });
export interface CloudSourceProps<N extends string = string> extends PropsOf<typeof cloud.fields>, SourceSettings<N> {}
export class CloudSource<const N extends string = 'cloud'> extends Source<typeof cloud, N> {
  constructor(props: CloudSourceProps<N>) { super(cloud, props); }
}

export const script = provisioner('script', {
  inline: field.list(field.string()),
  file: field.path({ kind: 'file' }),
  environment: field.map(field.sensitiveString()),
  user: field.string(),
  group: field.string(),
  answers: field.json(),
  quota: field.size(),
}, { rules: [exactlyOne('inline', 'file'), needs('group', 'user')] });
interface ScriptFields extends PropsOf<typeof script.fields> {}
export interface ScriptProps<O extends string = never, V extends string = never> extends ScriptFields, ProvisionerSettings<O, V, ScriptFields> {}
export class Script<const O extends string = never, const V extends string = never> extends Provisioner<typeof script, O | V> {
  constructor(props: ScriptProps<O, V>) { super(script, props); }
}

export const copy = provisioner('copy', { from: field.path({ required: true }), to: field.string({ required: true }) });
interface CopyFields extends PropsOf<typeof copy.fields> {}
export interface CopyProps<O extends string = never, V extends string = never> extends CopyFields, ProvisionerSettings<O, V, CopyFields> {}
export class Copy<const O extends string = never, const V extends string = never> extends Provisioner<typeof copy, O | V> {
  constructor(props: CopyProps<O, V>) { super(copy, props); }
}

export const pack = postProcessor('pack', { output: field.outputPath(), level: field.integer({ min: 0, max: 9, default: 6 }) }, { outputs: { file: field.string({ required: true }) } });
export interface PackProps<O extends string = never> extends PropsOf<typeof pack.fields>, PostProcessorSettings<O> {}
export class Pack<const O extends string = never> extends PostProcessor<typeof pack, O> {
  constructor(props: PackProps<O>) { super(pack, props); }
}

export const lookup = data('lookup', { name: field.string({ required: true }) }, { outputs: { id: field.string({ required: true }), count: field.integer({ required: true }) } });
export class Lookup extends DataSource<typeof lookup> {
  constructor(scope: Construct, id: string, props: PropsOf<typeof lookup.fields>) { super(scope, id, lookup, props); }
}
