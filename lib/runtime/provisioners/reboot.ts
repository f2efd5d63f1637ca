import type { reboot } from '../../constructs/provisioners/reboot.js';
import { errors } from '../../errors.js';
import { runAsRoot } from '../guest/as-root.js';
import { afterBoot, bootState } from '../communicators/reboot.js';
import type { ProvisionerDriver } from '../driver.js';

const fail = errors('REBOOT', {
  CONTAINER: { message: () => 'A container cannot be rebooted.', remedy: "Leave the step out there: except: ['docker']." },
  AWAY: { message: () => 'The guest was not there to be rebooted.', remedy: 'Look at its serial log and screenshot.' },
});

export default {
  effects: 'guest',
  async preflight(_props, ctx) {
    if (ctx.build.sourceType !== 'docker') return [];
    const { code, message, remedy } = fail.CONTAINER();
    return [{ code, message, ...(remedy === undefined ? {} : { remedy }) }];
  },
  async run(props, guest, ctx) {
    if (guest.endpoint.type === 'docker') throw fail.CONTAINER();
    const before = await bootState(guest, ctx.signal);
    if (before === undefined) throw fail.AWAY();
    ctx.note('rebooting');
    // In the background and a moment later, so that the command's own exit status arrives.
    const command = props.command ?? 'systemctl reboot || reboot || shutdown -r now';
    await runAsRoot('Rebooting', `(sleep 1; ${command}\n) </dev/null >/dev/null 2>&1 &\n`, guest, ctx);
    const start = Date.now();
    await afterBoot(guest, before.id, { budget: props.backWithin.$duration, signal: ctx.signal, waiting: what => ctx.note(`Waiting: ${what}.`, { detail: true }) });
    ctx.note(`The guest is back after ${Math.round((Date.now() - start) / 1000)} s.`);
  },
} satisfies ProvisionerDriver<typeof reboot>;
