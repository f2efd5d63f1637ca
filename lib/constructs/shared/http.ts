import { field } from '../../fields.js';

const table = {
  /** Files that the guest can fetch while it is built: answers for installers. */
  http: field.group({
    /** Folder whose files are served. */
    directory: field.path({ kind: 'folder' }),
    /** Files by their path, such as `/preseed.cfg`, and their contents. They win over the folder's. */
    content: field.map(field.sensitiveString(), { fills: true }),
    /** Address to listen on. Left out: this computer's loopback, which the guest reaches by its own network; with a bridge, every address. */
    bindAddress: field.string({ affects: 'none' }),
    /** Network card of this computer whose address the guest is told. Left out: the one that leads to the guest. */
    interface: field.string({ affects: 'none' }),
    /** Lowest port to listen on. Left out: one that is free; with `portMax`, 8000. */
    portMin: field.integer({ min: 1, max: 65535, affects: 'none' }),
    /** Highest port to listen on. Left out: 1000 above the lowest. */
    portMax: field.integer({ min: 1, max: 65535, affects: 'none' }),
    /**
     * Protocol of the addresses to listen on.
     * @default 'tcp'
     */
    networkProtocol: field.oneOf(['tcp', 'tcp4', 'tcp6'], { default: 'tcp', affects: 'none' }),
  }, { prefix: 'http_' }),
};
type Table = typeof table;
/** What the guest can fetch: `http: { directory, content }`. */
export interface HttpFields extends Table {}
export const httpFields: HttpFields = table;
