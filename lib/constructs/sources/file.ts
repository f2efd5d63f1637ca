import { field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { atMostOne } from '../../rules.js';
import { Source, type SourceSettings } from '../component.js';

export const fileSource = source('file', {
  /** What the file holds. Without `content` and `source` it is empty. */
  content: field.string(),
  /** A file to copy. */
  source: field.path({ kind: 'file' }),
  /** Where the file is made. */
  target: field.outputPath({ required: true }),
}, {
  rules: [atMostOne('content', 'source')],
  outputs: {
    /** Where the file lies. */
    path: field.path({ required: true }),
    /** SHA-256 of its content: `sha256:…`. */
    digest: field.string({ required: true }),
  },
});

export interface FileSourceProps<N extends string = string> extends PropsOf<typeof fileSource.fields>, SourceSettings<N> {}
/** Makes a file: an artifact without a machine, for trying post-processors out and for texts that belong to a release. */
export class FileSource<const N extends string = 'file'> extends Source<typeof fileSource, N> {
  constructor(props: FileSourceProps<N>) { super(fileSource, props); }
}
