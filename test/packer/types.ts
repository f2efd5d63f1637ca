/** What the compiler says of Packer's components: checked with the other sources, run never. */
import { App, ImageBuild, QemuSource, Secret, text, Variable, Duration } from '../../lib/index.js';
import { block, PackerAmazonAmiData, PackerAmazonEbsSource, PackerComponent, PackerNullSource, PackerQemuSource, PackerShellProvisioner } from '../../lib/packer/index.js';
import type { Ref } from '../../lib/values.js';

const app = new App(), cpus = new Variable(app, 'cpus', { default: 2 }), name = new Variable(app, 'name', { default: 'x' });
const ami = new PackerAmazonAmiData(app, 'ami', { filters: { name: 'debian-*' }, owners: [name] });
export const id: Ref<string> = ami.outputs.id;

export const web = new ImageBuild(app, 'web', {
  sources: [
    new PackerQemuSource({ isoUrl: text`http://${name}`, cpus, sshTimeout: Duration.minutes(5), bootWait: '5s', sshPassword: Secret.env('X'), qemuImgArgs: { convert: ['-o', name] } }), new PackerNullSource({ name: 'other' }),
    new PackerComponent('builder', 'mine', { disk: block([{ size: 1 }]), secret: Secret.env('X') }), new QemuSource({ name: 'ours', diskImage: 'x' }),
  ],
  provisioners: [
    new PackerShellProvisioner({ inline: ['x'], only: ['qemu', 'other', 'ours', 'mine'], override: { other: { inline: [name] } } }), new PackerComponent('provisioner', 'mine', {}, { only: ['mine'] }),
  ],
});
// @ts-expect-error a misspelt option
new PackerQemuSource({ isoUrll: 'x' });
// @ts-expect-error a name of Packer's instead of the prop's
new PackerQemuSource({ iso_url: 'x' });
// @ts-expect-error a text where a number belongs
new PackerQemuSource({ cpus: '2' });
// @ts-expect-error a Ref to a number where a text belongs
new PackerQemuSource({ isoUrl: cpus });
// @ts-expect-error a secret where nobody expects one
new PackerQemuSource({ isoUrl: Secret.env('X') });
// @ts-expect-error an option of a block that the block does not have
new PackerAmazonEbsSource({ sourceAmiFilter: { filter: {} } });
// @ts-expect-error an output that the data source does not have
ami.outputs.name_;
// @ts-expect-error a source that the build does not have
new ImageBuild(app, 'bad', { sources: [new PackerNullSource({})], provisioners: [new PackerShellProvisioner({ inline: ['x'], only: ['qemu'] })] });
// @ts-expect-error the same for a component that nobody knows
new ImageBuild(app, 'bad2', { sources: [new PackerNullSource({})], provisioners: [new PackerComponent('provisioner', 'mine', {}, { only: ['mine'] })] });
