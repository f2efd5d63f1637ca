import { field } from '../../fields.js';

const table = {
  /**
   * Host keys of the SSH server: each machine that starts from the image makes its own.
   * @default true
   */
  hostKeys: field.boolean({ default: true }),
  /**
   * The machine's id, which names it to its network and its logs.
   * @default true
   */
  machineId: field.boolean({ default: true }),
  /**
   * What cloud-init remembers, so that it sees a first boot.
   * @default true
   */
  cloudInit: field.boolean({ default: true }),
  /**
   * Contents of log files, and the journal.
   * @default true
   */
  logs: field.boolean({ default: true }),
  /**
   * Histories of shells.
   * @default true
   */
  history: field.boolean({ default: true }),
  /**
   * Files in /tmp and /var/tmp.
   * @default true
   */
  temporaryFiles: field.boolean({ default: true }),
  /**
   * Leases and remembered names of network cards, and the saved seed of random numbers.
   * @default true
   */
  networkState: field.boolean({ default: true }),
};
type Table = typeof table;
/** What makes an image that machine's, and must not be in the machines that start from it. */
export interface SealFields extends Table {}
export const sealFields: SealFields = table;

const atCapture = {
  /**
   * Removes, before the disk becomes an image, what makes the guest this one machine: SSH host keys, machine id, logs, histories, cloud-init's state, temporary files. Each machine that
   * starts from the image makes its own. `false` leaves everything; a SealProvisioner as the last step then seals what you choose. Windows guests are left as they are.
   * @default true
   */
  seal: field.boolean({ default: true, affects: 'capture', packerName: false }),
};
type AtCapture = typeof atCapture;
/** Sealing of images that are disks. */
export interface SealAtCaptureFields extends AtCapture {}
export const sealAtCaptureFields: SealAtCaptureFields = atCapture;
