import { field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { must } from '../../rules.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';

/** How far each format's `compressionLevel` goes; those that are not here have none. */
const highest: { readonly [codec: string]: number } = { gz: 9, zip: 9, xz: 9, bz2: 9, lz4: 12, zst: 19 };
const formats = ['tar.gz', 'tar.zst', 'tar.xz', 'tar.bz2', 'tar.lz4', 'tar', 'zip', 'gz', 'zst', 'xz', 'bz2', 'lz4'] as const;

export const compress = postProcessor('compress', {
  /** Where the archive is written; `{{.BuildName}}` and `{{.BuilderType}}` are filled in. Left out: `packer_{{.BuildName}}_{{.BuilderType}}` and the format's ending. */
  output: field.outputPath(),
  /**
   * What is made: an archive of all files (`tar…`, `zip`), or one compressed file, for artifacts of one file. Left out: by the ending of `output`; `tar.gz` where that says nothing.
   * gz and zip are made here, on all cores; the others by the programs zstd, xz, bzip2 and lz4.
   */
  format: field.oneOf(formats, { affects: 'capture' }),
  /** From 1 (fast) to 9 (small); 19 for zst, 12 for lz4. Left out: 4 for gz and zip, 6 for xz, 3 for zst, 9 for bz2, 1 for lz4. */
  compressionLevel: field.integer({ min: 1, max: 19, affects: 'capture' }),
}, {
  rules: [
    must(['compressionLevel', 'format', 'output'], 'a compressionLevel that the format has', (_isSet, valueOf) => {
      const level = valueOf('compressionLevel'), name = valueOf('format') ?? valueOf('output') ?? 'tar.gz';
      if (typeof level !== 'number' || typeof name !== 'string') return undefined;
      const codec = name.slice(name.lastIndexOf('.') + 1), limit = codec === 'tar' ? 0 : highest[codec] ?? 9;
      return level <= limit ? undefined : limit === 0 ? 'has a compressionLevel, and tar alone compresses nothing' : `has compressionLevel ${level}, and ${codec in highest ? codec : 'gz'} ends at ${limit}`;
    }),
  ],
  outputs: {
    /** Where the archive lies. */
    path: field.path({ required: true }),
    /** `sha256:…` of the archive. */
    checksum: field.string({ required: true }),
  },
});

/** Options of Packer that this post-processor does not have, and why. */
export const compressWithout: { readonly [option: string]: string } = { archive: 'Packer works it out itself, from format and output.', algorithm: 'Packer works it out itself, from format and output.' };

export interface CompressPostProcessorProps<O extends string = string> extends PropsOf<typeof compress.fields>, PostProcessorSettings<O> {}
/** Packs the artifact's files into an archive, or compresses its one file. What goes in is removed afterwards, unless `keepInputArtifact` is true. */
export class CompressPostProcessor<const O extends string = never> extends PostProcessor<typeof compress, O> {
  constructor(props: CompressPostProcessorProps<O> = {}) { super(compress, props); }
}
