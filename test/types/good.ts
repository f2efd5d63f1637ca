/** What a program may write: this file compiles as it is. */
import {
  App, Duration, generated, host, ImageBuild, join, local, matrix, member, ProvisionerGroup, type Ref, Secret, SecretVariable, Size, text, timestamp, types, upper, Variable, when,
} from '../../lib/index.js';
import { CloudSource, Copy, Lookup, Pack, Script, VmSource } from '../support/components.js';

const app = new App({ variables: { version: '2' } });
const version = new Variable(app, 'version', { default: '1.0.0' });
const cpus = new Variable<number>(app, 'cpus');
const password = new SecretVariable(app, 'password');
const small = new Variable<boolean>(app, 'small');
const size = new Variable<string>(app, 'size', { type: types.nullable(types.string) });
const network = new Variable(app, 'network', { default: { subnet: 'a', ports: [1, 2] } });

export const base = new ImageBuild(app, 'base', { sources: [new VmSource({ diskImage: 'd.qcow2', login: { username: 'root', password } })] });
export const web = new ImageBuild(app, 'web', {
  description: 'Serves pages',
  sources: [
    new VmSource({ from: base, login: { username: 'root', port: cpus, timeout: Duration.minutes(2) } }),
    new VmSource({ name: 'big', isoUrl: text`http://${version}/x`, diskSize: Size.gib(80), memory: undefined, output: text`out/${version}-${timestamp()}` }),
    new CloudSource({ region: 'x', imageName: text`web-${version}-${upper(version)}`, tags: { built: timestamp() } }),
  ],
  provisioners: [
    new Script({ inline: ['a', text`b ${version}`], environment: { A: version, B: Secret.env('X'), C: password, D: text`x${password}` } }),
    new Script({ inline: ['a'], only: ['big'], override: { cloud: { inline: ['b'] } }, pauseBefore: Duration.seconds(1), maxRetries: 2, continueOnError: true }),
    new Copy({ from: new URL('./x', import.meta.url), to: '/x', except: ['vm', 'big'] }),
    new Copy({ from: generated('made.tar'), to: text`/srv/${host.httpAddress}` }),
    new ProvisionerGroup({ provisioners: [new Script({ inline: ['c'], only: ['vm'] })] }),
  ],
  errorCleanup: [new Script({ inline: ['journalctl'] })],
  postProcessors: [new Pack({ level: 9, only: ['vm'] }), [new Pack({}), new Pack({ keepInputArtifact: true })]],
});
export const outputs: readonly Ref<string>[] = [web.outputs.vm.path, web.outputs.big.path, web.outputs.cloud.imageId];
new ImageBuild(app, 'next', { sources: [new VmSource({ diskImage: web.outputs.big.path })] });
new ImageBuild(app, 'named', { sources: [new VmSource({ from: web.source('big') })] });
web.addProvisioner(new Script({ inline: ['late'], only: ['cloud'] })).addPostProcessor(new Pack({ only: ['vm'] })).acknowledge('no-x', 'tried');

export const cells: ReadonlyMap<string, ImageBuild> = matrix({ os: ['debian', 'ubuntu'], arch: [{ name: 'x86', cpu: 1 }, { name: 'arm', cpu: 2 }] }, cell => {
  const os: 'debian' | 'ubuntu' = cell.os;
  const cpu: 1 | 2 = cell.arch.cpu;
  return new ImageBuild(app, cell.id, { sources: [new VmSource({ isoUrl: `${os}-${cpu}` })] });
});

// A list made while the program runs: any name may be mentioned, outputs may be absent.
const dynamic = new ImageBuild(app, 'dynamic', { sources: ['a', 'b'].map(name => new VmSource({ name, isoUrl: name })), provisioners: [new Script({ inline: [], only: ['whatever'] })] });
export const maybe: Ref<string> | undefined = dynamic.outputs['a']?.path;

export const optional = (flag: boolean): VmSource => new VmSource({ isoUrl: flag ? 'x' : undefined, diskImage: flag ? undefined : 'y' });
const packed = new Pack({});
export const file: Ref<string> = new ImageBuild(app, 'packed', { sources: [new VmSource({ isoUrl: 'x' })], postProcessors: [packed] }).outputsOf(packed).vm.file;
export const choice: Ref<string> = when(small, version, 'b');
export const subnet: Ref<string> = member(network, 'subnet');
export const named: Ref<string> = local(app, 'image', join('-', ['a', version, size]));

/** Components made of components. */
class Hardened extends ProvisionerGroup<'vm'> {
  constructor(strict: boolean) { super({ provisioners: [new Script({ inline: [strict ? 'a' : 'b'], only: ['vm'] }), new Script({ inline: ['c'] })] }); }
}
class Web extends ImageBuild<readonly [VmSource, CloudSource]> {
  constructor(scope: App, id: string) { super(scope, id, { sources: [new VmSource({ isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: id })], provisioners: [new Hardened(true)] }); }
}
export const made: Ref<string> = new Web(app, 'made').outputs.cloud.imageId;
const found = new Lookup(app, 'found', { name: 'x' });
export const id: Ref<string> = found.outputs.id, count: Ref<number> = found.outputs.count;
new ImageBuild(app, 'data', { sources: [new VmSource({ isoUrl: found.outputs.id, login: { username: 'root', port: found.outputs.count } })] });
