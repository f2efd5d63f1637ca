import { field } from '../../fields.js';

const table = {
  /** How people may look at the guest's screen while it is built. */
  vnc: field.group({
    /**
     * Address to listen on.
     * @default '127.0.0.1'
     */
    bindAddress: field.string({ default: '127.0.0.1', affects: 'none' }),
    /** Lowest port to listen on. Left out: the first that is free from 5900. */
    portMin: field.integer({ min: 5900, max: 65535, affects: 'none' }),
    /** Highest port to listen on. */
    portMax: field.integer({ min: 5900, max: 65535, affects: 'none' }),
    /**
     * Asks for a password; the build says which.
     * @default true
     */
    usePassword: field.boolean({ default: true, affects: 'none' }),
    /** The password; VNC takes its first 8 characters. Left out: a new one each time. */
    password: field.secret({ affects: 'none' }),
  }, { prefix: 'vnc_' }),
};
type Table = typeof table;
/** The screen over VNC: `vnc: { bindAddress, usePassword }`. */
export interface VncFields extends Table {}
export const vncFields: VncFields = table;
