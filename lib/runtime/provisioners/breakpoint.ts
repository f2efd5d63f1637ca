import type { breakpoint } from '../../constructs/provisioners/breakpoint.js';
import { errors } from '../../errors.js';
import type { ProvisionerDriver } from '../driver.js';

const fail = errors('BREAKPOINT', {
  STOPPED: { message: () => 'The build was stopped at a breakpoint.', remedy: 'With --on-failure keep, the machine stays and `bake ssh` opens it.' },
});

export default {
  effects: 'guest',
  run: async (props, _guest, ctx) => {
    if (props.note !== undefined) ctx.note(props.note);
    if (props.disable) { ctx.note('The breakpoint is disabled.', { detail: true }); return; }
    ctx.signal.throwIfAborted();
    const answer = await ctx.ask({ question: `${ctx.target} stands at the breakpoint ${ctx.path}.${props.note === undefined ? '' : ` ${props.note}`} Go on?`, choices: ['continue', 'stop'], default: 'continue' });
    // Who is asked in vain, since the run ends, has not said to go on.
    ctx.signal.throwIfAborted();
    if (answer === 'stop') throw fail.STOPPED();
  },
} satisfies ProvisionerDriver<typeof breakpoint>;
