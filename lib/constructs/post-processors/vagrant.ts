import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';

export const vagrant = postProcessor('vagrant', {
  /**
   * Where the box is written; `{{.BuildName}}`, `{{.Provider}}`, `{{.Architecture}}` and `{{.ArtifactId}}` are filled in.
   * @default 'packer_{{ .BuildName }}_{{ .Provider }}_{{ .Architecture }}.box'
   */
  output: field.outputPath({ default: 'packer_{{ .BuildName }}_{{ .Provider }}_{{ .Architecture }}.box' }),
  /** How small the box is made: from 0 (not at all) to 9. Left out: 4. */
  compressionLevel: field.integer({ min: 0, max: 9, affects: 'capture' }),
  /** Further files for the box; each lies at its top. */
  include: field.list(field.path({ kind: 'file' }), { affects: 'capture' }),
  /** A Vagrantfile that goes into the box, behind what the provider needs. The names of `output` are filled in here too. */
  vagrantfileTemplate: field.path({ kind: 'file', affects: 'capture' }),
  /** The provider that the box is for, where the artifact does not say it: one that is no QEMU image of ours, but a disk image all the same. */
  providerOverride: field.oneOf(['libvirt'], { affects: 'capture' }),
  /** The guest's architecture, in Vagrant's words: `amd64`, `arm64`. Left out: the image's own. */
  architecture: field.string({ affects: 'capture' }),
}, {
  outputs: {
    /** Where the box lies. */
    path: field.path({ required: true }),
    /** `sha256:…` of the box, for a catalogue. */
    checksum: field.string({ required: true }),
  },
});

/** Options of Packer that this post-processor does not have, and why. */
export const vagrantWithout: { readonly [option: string]: string } = {
  override: 'It sets options by provider, and there is one provider here. Two post-processors with only say the same.',
  vagrantfile_template_generated: 'A generated file says it itself: vagrantfileTemplate: generated(…).',
};

export interface VagrantPostProcessorProps<O extends string = string> extends PropsOf<typeof vagrant.fields>, PostProcessorSettings<O> {}
/** Makes a Vagrant box for libvirt out of a QEMU image: a qcow2 disk, metadata and a Vagrantfile. The image is removed afterwards, unless `keepInputArtifact` is true. */
export class VagrantPostProcessor<const O extends string = never> extends PostProcessor<typeof vagrant, O> {
  constructor(props: VagrantPostProcessorProps<O> = {}) { super(vagrant, props); }
}
