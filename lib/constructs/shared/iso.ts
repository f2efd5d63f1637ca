import { field } from '../../fields.js';

// None of these says what the disc is: the driver finds that out, and a mirror is no other disc.
const table = {
  /** Installation disc to boot from: a URL, or a path relative to the program's folder. Downloads are kept. */
  isoUrl: field.url({ affects: 'none' }),
  /** The same disc at several places; the next is tried where one fails. */
  isoUrls: field.list(field.url(), { affects: 'none' }),
  /** Checksum of the disc: `sha256:…` (or md5, sha1, sha512), or `file:` and the path or URL of a list such as SHA256SUMS. `none`: not checked. */
  isoChecksum: field.string({ affects: 'none' }),
  /** Place to keep the downloaded disc at. Left out: in the user's cache. */
  isoTargetPath: field.outputPath({ affects: 'none' }),
  /** File name extension of the downloaded disc in the cache. */
  isoTargetExtension: field.string({ affects: 'none' }),
  /**
   * Reads a disc that is a file where it lies, and downloads others anew each time.
   * @default false
   */
  isoSkipCache: field.boolean({ default: false, affects: 'none' }),
};
type Table = typeof table;
/** The installation disc. */
export interface IsoFields extends Table {}
export const isoFields: IsoFields = table;
