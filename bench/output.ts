import { type Benchmark, interleaved } from './benchmark.js';
import { startGuest } from './guest.js';

export default {
  about: 'A step that prints 100,000 lines; against Packer and ssh.',
  needs: ['sshd', 'ssh', 'packer'],
  async run(place) {
    await using guest = await startGuest(place);
    const both = await interleaved(3, () => guest.ours(`[new ShellProvisioner({ inline: ['seq 1 100000'] })]`), () => guest.packer([{ type: 'shell', inline: ['seq 1 100000'] }]));
    return [
      { figure: '100,000 lines (peer: packer)', ...both, unit: 's', goal: '0.05x' },
      { figure: '100,000 lines (peer: ssh)', ours: both.ours, peer: await guest.tool('$SSH -p $PORT $HOST "seq 1 100000" >lines'), unit: 's' },
    ];
  },
} satisfies Benchmark;
