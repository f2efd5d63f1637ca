import { type Benchmark, type Figure, interleaved } from './benchmark.js';
import { startGuest } from './guest.js';

const steps = Array.from({ length: 20 }, (_, i) => `echo ${i} >/dev/null`);

export default {
  about: 'Twenty small shell steps on a guest, directly and at 30 ms round trip; against Packer and one SSH connection.',
  needs: ['sshd', 'ssh', 'packer'],
  async run(place) {
    const figures: Figure[] = [];
    for (const roundTrip of [0, 30]) {
      await using guest = await startGuest(place, roundTrip);
      const how = roundTrip === 0 ? 'directly' : `at ${roundTrip} ms`;
      const both = await interleaved(3, () => guest.ours(`${JSON.stringify(steps)}.map(line => new ShellProvisioner({ inline: [line] }))`), () => guest.packer(steps.map(line => ({ type: 'shell', inline: [line] }))));
      figures.push({ figure: `20 steps ${how} (peer: packer)`, ...both, unit: 's', goal: '0.25x' });
      figures.push({ figure: `20 steps ${how} (peer: 20 sessions of one ssh connection)`, ours: both.ours, peer: await guest.tool(`for i in $(seq 20); do $SSH -p $PORT $HOST 'echo >/dev/null'; done`), unit: 's' });
    }
    return figures;
  },
} satisfies Benchmark;
