import type { cloudInitWait } from '../../constructs/provisioners/cloud-init-wait.js';
import { errors } from '../../errors.js';
import { reasonOf } from '../communicators/unix-files.js';
import type { ProvisionerDriver } from '../driver.js';

const fail = errors('CLOUD_INIT', {
  FAILED: { message: (said: string) => `cloud-init failed in the guest${said === '' ? '.' : `:\n${said}`}`, remedy: 'Read /var/log/cloud-init.log and /var/log/cloud-init-output.log in the guest (bake ssh, with --on-failure keep).' },
  DEGRADED: { message: (said: string) => `cloud-init is done, with errors that it could recover from${said === '' ? '.' : `:\n${said}`}`, remedy: 'Mend what it names, or set allowDegraded.' },
});

/** Exit code of ours: there is no cloud-init. */
const absent = 80;

export default {
  effects: 'guest',
  async run(props, guest, ctx) {
    let said = '';
    // Without `--wait` first: what is printed while waiting are dots.
    const exit = await guest.exec(`command -v cloud-init >/dev/null 2>&1 || exit ${absent}\ncloud-init status --wait >/dev/null 2>&1\ncode=$?\ncloud-init status --long 2>&1\nexit $code`, {
      signal: ctx.signal, stdout: chunk => { said += Buffer.from(chunk).toString('utf8'); },
    });
    const text = said.trim();
    if (exit.how === 'exited' && exit.code === absent) { ctx.note('The guest has no cloud-init: there is nothing to wait for.'); return; }
    if (text !== '') ctx.output('stdout', `${text}\n`);
    // Older versions say it with words only.
    const failed = /^status: error/m.test(text), degraded = /^extended_status: degraded/m.test(text) || (exit.how === 'exited' && exit.code === 2);
    if (exit.how !== 'exited') throw fail.FAILED(reasonOf(exit, text));
    if (failed || (exit.code !== 0 && !degraded)) throw fail.FAILED(text);
    if (degraded && !props.allowDegraded) throw fail.DEGRADED(text);
    if (degraded) ctx.warn(fail.DEGRADED(text).message, 'CLOUD_INIT_DEGRADED');
  },
} satisfies ProvisionerDriver<typeof cloudInitWait>;
