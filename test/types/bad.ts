/**
 * What a program may not write. Each `@ts-expect-error` names what the compiler's message, or the place it points at, must name;
 * `types.test.ts` compiles this file without the directives and looks at the messages themselves.
 */
import { App, Duration, ImageBuild, ProvisionerGroup, Secret, SecretVariable, Size, text, upper, Variable } from '../../lib/index.js';
import { CloudSource, Copy, Lookup, Pack, Script, VmSource } from '../support/components.js';

const app = new App();
const cpus = new Variable<number>(app, 'cpus');
const password = new SecretVariable(app, 'password');
const web = new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: 'x' })] });

// @ts-expect-error isoUrll: a typo, with the right name in the message
new VmSource({ isoUrll: 'x' });
// @ts-expect-error usernam: a typo in a group
new VmSource({ isoUrl: 'x', login: { username: 'x', usernam: 'x' } });
// @ts-expect-error login: a group without its required member
new VmSource({ login: {} });
// @ts-expect-error diskSize: a number where a size belongs
new VmSource({ diskSize: 40 });
// @ts-expect-error diskSize: text where a size belongs
new VmSource({ diskSize: '40G' });
// @ts-expect-error diskSize: a duration where a size belongs
new VmSource({ diskSize: Duration.minutes(1) });
// @ts-expect-error pauseBefore: a size where a duration belongs
new Script({ inline: [], pauseBefore: Size.gib(1) });
// @ts-expect-error pauseBefore: a number where a duration belongs
new Script({ inline: [], pauseBefore: 10 });
// @ts-expect-error isoUrl: a secret in a plain field
new VmSource({ isoUrl: Secret.env('X') });
// @ts-expect-error isoUrl: a secret variable in a plain field
new VmSource({ isoUrl: password });
// @ts-expect-error isoUrl: text with a secret inside in a plain field
new VmSource({ isoUrl: text`a${password}` });
// @ts-expect-error Secret: a secret in a command
new Script({ inline: [Secret.env('X')] });
// @ts-expect-error Secret: a secret given to a function
upper(Secret.env('X'));
// @ts-expect-error password: plain text in a secret field
new VmSource({ login: { username: 'root', password: 'hunter2' } });
// @ts-expect-error password: an ordinary variable in a secret field
new VmSource({ login: { username: 'root', password: cpus } });
// @ts-expect-error isoUrl: a variable of numbers for a string
new VmSource({ isoUrl: cpus });
// @ts-expect-error accelerator: none of the values
new VmSource({ isoUrl: 'x', accelerator: 'hvf' });
// @ts-expect-error region: missing
new CloudSource({ imageName: 'x' });
// @ts-expect-error vmware: a source that the build does not have, in only
new ImageBuild(app, 'a', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Script({ inline: [], only: ['vmware'] })] });
// @ts-expect-error cloud: a source that the build does not have, in override
new ImageBuild(app, 'b', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Script({ inline: [], override: { cloud: { inline: [] } } })] });
// @ts-expect-error cloud: a source that the build does not have, in a group
new ImageBuild(app, 'c', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new ProvisionerGroup({ provisioners: [new Script({ inline: [], only: ['cloud'] })] })] });
// @ts-expect-error cloud: a source that the build does not have, in a post-processor
new ImageBuild(app, 'd', { sources: [new VmSource({ isoUrl: 'x' })], postProcessors: [new Pack({ only: ['cloud'] })] });
// @ts-expect-error big: a source that the build does not have, in a step added later
web.addProvisioner(new Script({ inline: [], except: ['big'] }));
// @ts-expect-error inlin: a typo in an override
new Script({ inline: [], override: { vm: { inlin: [] } } });
// @ts-expect-error imageId: an output of another kind
web.outputs.vm.imageId;
// @ts-expect-error vmware: outputs of a source that is not there
web.outputs.vmware;
// @ts-expect-error big: a source that is not there
web.source('big');
// @ts-expect-error big: outputs of a post-processor on a source that is not there
web.outputsOf(new Pack({})).big;
// @ts-expect-error fil: an output that a post-processor does not have
web.outputsOf(new Pack({})).vm.fil;
// @ts-expect-error from: a build without a source of the type
new VmSource({ from: new ImageBuild(app, 'e', { sources: [new CloudSource({ region: 'x', imageName: 'x' })] }) });
// @ts-expect-error from: a source of another type
new VmSource({ from: web.source('cloud') });
// @ts-expect-error VmSource: a source among the provisioners
new ImageBuild(app, 'f', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new VmSource({ isoUrl: 'x' })] });
// @ts-expect-error Script: a provisioner among the post-processors
new ImageBuild(app, 'g', { sources: [new VmSource({ isoUrl: 'x' })], postProcessors: [new Script({ inline: [] })] });
// @ts-expect-error sources: missing
new ImageBuild(app, 'h', { provisioners: [] });
// @ts-expect-error nam: an output that a data source does not have
new Lookup(app, 'i', { name: 'x' }).outputs.nam;
// @ts-expect-error to: missing
new Copy({ from: 'x' });
// @ts-expect-error default: a default of another type
new Variable<number>(app, 'n', { default: 'x' });
