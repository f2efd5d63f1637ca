import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';

export const checksum = postProcessor('checksum', {
  /**
   * Which checksums to make; each goes into a file of its own if `output` says so.
   * @default ['md5']
   */
  checksumTypes: field.list(field.oneOf(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']), { default: ['md5'], affects: 'capture' }),
  /**
   * Where checksums are written; `{{.BuildName}}`, `{{.BuilderType}}` and `{{.ChecksumType}}` are filled in.
   * @default 'packer_{{.BuildName}}_{{.BuilderType}}_{{.ChecksumType}}.checksum'
   */
  output: field.outputPath({ default: 'packer_{{.BuildName}}_{{.BuilderType}}_{{.ChecksumType}}.checksum' }),
});

export interface ChecksumPostProcessorProps<O extends string = string> extends PropsOf<typeof checksum.fields>, PostProcessorSettings<O> {}
/** Writes checksums of the artifact's files, one `checksum, tab, name` a line. The files are always kept. */
export class ChecksumPostProcessor<const O extends string = never> extends PostProcessor<typeof checksum, O> {
  constructor(props: ChecksumPostProcessorProps<O> = {}) { super(checksum, props); }
}
