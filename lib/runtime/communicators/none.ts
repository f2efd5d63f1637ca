/** The communicator of a machine that nobody talks to: it accepts being closed, and refuses everything else. */
import { errors } from '../../errors.js';
import type { Communicator } from '../driver.js';

const fail = errors('COMMUNICATOR', {
  NONE: {
    message: (what: string) => `The machine has no communicator, so that ${what} is not possible.`,
    remedy: "Choose a communicator ('ssh' for most guests), or remove the provisioners that need the guest.",
  },
});

/** Stands where a machine has no communicator. */
export function noCommunicator(): Communicator {
  const refuse = (what: string) => async (): Promise<never> => { throw fail.NONE(what); };
  return {
    guest: 'unix', endpoint: { type: 'none' }, exec: refuse('running a command in it'), upload: refuse('sending a file to it'), download: refuse('reading a file from it'),
    uploadFolder: refuse('sending a folder to it'), downloadFolder: refuse('reading a folder from it'), reconnect: refuse('reaching it'),
    [Symbol.asyncDispose]: async () => {},
  };
}
