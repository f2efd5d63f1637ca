import type { Construct } from 'constructs';
import { field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { DataSource, type DataSettings } from '../component.js';

export const gitData = data('git', {
  /**
   * A folder of the work tree, relative to the program's folder.
   * @default '.'
   */
  repository: field.string({ default: '.' }),
}, {
  packerType: false, lock: false,
  outputs: {
    /** Hash of the commit that is checked out. */
    commit: field.string({ required: true }),
    /** The first twelve digits of it. */
    shortCommit: field.string({ required: true }),
    /** Branch that is checked out; empty where none is, as in many CI systems. */
    branch: field.string({ required: true }),
    /** Tag of the commit, the highest version of several; empty where it has none. */
    tag: field.string({ required: true }),
    /** Whether files differ from the commit, or are unknown to it. */
    dirty: field.boolean({ required: true }),
    /** When it was committed, in RFC 3339 and UTC. */
    committed: field.string({ required: true }),
  },
});

export interface GitDataProps extends PropsOf<typeof gitData.fields>, DataSettings {}
/** Says which commit of a git repository is checked out. */
export class GitData extends DataSource<typeof gitData> {
  constructor(scope: Construct, id: string, props: GitDataProps = {}) { super(scope, id, gitData, props); }
}
