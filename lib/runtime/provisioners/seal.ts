import type { seal } from '../../constructs/provisioners/seal.js';
import type { ProvisionerDriver } from '../driver.js';
import { sealGuest } from '../guest/seal.js';

export default {
  effects: 'guest',
  run: (props, guest, ctx) => sealGuest(props, guest, ctx),
} satisfies ProvisionerDriver<typeof seal>;
