import type { sleepProvisioner } from '../../constructs/provisioners/sleep.js';
import type { ProvisionerDriver } from '../driver.js';
import { sleep } from '../retry.js';

export default {
  effects: 'guest',
  run: (props, _guest, ctx) => sleep(props.duration.$duration, ctx.signal),
} satisfies ProvisionerDriver<typeof sleepProvisioner>;
