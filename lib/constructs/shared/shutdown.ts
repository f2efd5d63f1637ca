import { field } from '../../fields.js';
import { Duration } from '../../values.js';

const table = {
  /** How the machine is switched off before its disk is taken. */
  shutdown: field.group({
    /** Command that switches the guest off; runs in its shell, as the user logged in as. Left out: the guest is asked to switch off, as by its power button. */
    command: field.sensitiveString({ affects: 'capture' }),
    /**
     * How long the guest may take to be off.
     * @default 5 minutes
     */
    timeout: field.duration({ default: Duration.minutes(5), affects: 'none' }),
  }, { prefix: 'shutdown_' }),
};
type Table = typeof table;
/** How the machine is switched off: `shutdown: { command, timeout }`. */
export interface ShutdownFields extends Table {}
export const shutdownFields: ShutdownFields = table;
