import type { Construct } from 'constructs';
import { field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import type { Ref } from '../../values.js';
import { DataSource, type DataSettings } from '../component.js';

export const fileData = data('file', {
  /** File to read. */
  path: field.path({ required: true, kind: 'file' }),
}, {
  packerType: false, lock: false,
  outputs: {
    /** The content, as UTF-8 text. */
    text: field.string({ required: true }),
    /** The content, in base64. */
    base64: field.string({ required: true }),
    /** The content, read as JSON; null where it is none. */
    json: field.json({ required: true }),
    /** SHA-256 of the content, in hexadecimal. */
    sha256: field.string({ required: true }),
  },
});

export interface FileDataProps extends PropsOf<typeof fileData.fields>, DataSettings {}
/** Reads a file of the program. T: what its JSON is. */
export class FileData<T = unknown> extends DataSource<typeof fileData> {
  declare readonly outputs: DataSource<typeof fileData>['outputs'] & { readonly json: Ref<T> };
  constructor(scope: Construct, id: string, props: FileDataProps) { super(scope, id, fileData, props); }
}
