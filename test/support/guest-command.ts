/** A step that runs one command in the guest: for tests of sources, which need no more. */
import { Provisioner } from '../../lib/constructs/component.js';
import { field, type PropsOf } from '../../lib/fields.js';
import { provisioner, type ProvisionerDriver } from '../../lib/kit.js';

export const guestCommand = provisioner('@test/guest:command', {
  /** Runs in the guest's shell; anything but exit code 0 fails. */
  command: field.string({ required: true }),
}, { driver: async (): Promise<{ default: unknown }> => ({ default: driver }), from: { package: '@test/guest', version: '1.0.0', module: '@test/guest' }, packerType: false });

const driver: ProvisionerDriver<typeof guestCommand> = {
  effects: 'guest',
  run: async ({ command }, guest, ctx) => {
    const exit = await guest.exec(command, { signal: ctx.signal, stdout: chunk => ctx.output('stdout', chunk), stderr: chunk => ctx.output('stderr', chunk) });
    if (exit.how !== 'exited' || exit.code !== 0) throw new Error(`the guest's command ended with ${JSON.stringify(exit)}`);
  },
};

export class GuestCommand extends Provisioner<typeof guestCommand> {
  constructor(command: string, more: { readonly name?: string; readonly checkpoint?: 'always' } = {}) { super(guestCommand, { command, ...more } as PropsOf<typeof guestCommand.fields>); }
}
