import { field } from '../../fields.js';

const table = {
  /** A disc made for the guest: answer files, drivers. */
  cd: field.group({
    /** Files and folders to put on it; a folder goes with its contents, under its name. */
    files: field.list(field.path()),
    /** Files by their path on the disc, and their contents. */
    content: field.map(field.sensitiveString(), { fills: true }),
    /** Its label: `cidata` for cloud-init, `OEMDRV` for kickstart. At most 16 characters. Left out: `packer`. */
    label: field.string(),
  }, { prefix: 'cd_' }),
  /** A floppy made for the guest, of 1.44 MB. */
  floppy: field.group({
    /** Files to put into its top folder. */
    files: field.list(field.path()),
    /** Folders to put on it, each under its name. */
    dirs: field.list(field.path({ kind: 'folder' })),
    /** Files by their path on the floppy, and their contents. */
    content: field.map(field.sensitiveString(), { fills: true }),
    /** Its label, of at most 11 characters. Left out: `packer`. */
    label: field.string(),
  }, { prefix: 'floppy_' }),
};
type Table = typeof table;
/** Media made for the guest. */
export interface MediaFields extends Table {}
export const mediaFields: MediaFields = table;
