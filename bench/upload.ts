import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Benchmark, type Figure, interleaved, median } from './benchmark.js';
import { startGuest } from './guest.js';

export default {
  about: 'A folder of 2,000 files (16 MB) and a file of 200 MB to a guest, directly and at 30 ms round trip; against Packer, scp and rsync.',
  needs: ['sshd', 'ssh', 'rsync', 'packer'],
  async run(place) {
    const figures: Figure[] = [], folder = join(place.folder, 'tree'), file = join(place.folder, 'file'), to = join(place.folder, 'there');
    for (let d = 0; d < 40; d++) {
      mkdirSync(join(folder, `d${d}`), { recursive: true });
      for (let f = 0; f < 50; f++) writeFileSync(join(folder, `d${d}/f${f}`), randomBytes(8192));
    }
    writeFileSync(file, randomBytes(200_000_000));
    const fresh = (): string => { rmSync(to, { recursive: true, force: true }); mkdirSync(to); return to; };
    for (const roundTrip of [0, 30]) {
      await using guest = await startGuest(place, roundTrip);
      const how = roundTrip === 0 ? 'directly' : `at ${roundTrip} ms`, rounds = roundTrip === 0 ? 3 : 2;
      const times = async (work: () => Promise<number>): Promise<number> => { const all: number[] = []; for (let i = 0; i < rounds; i++) { fresh(); all.push(await work()); } return median(all); };
      const ours = (): Promise<number> => guest.ours(`[new FileProvisioner({ source: 'tree/', destination: '${to}/tree' })]`);
      const both = await interleaved(rounds, async () => { fresh(); return ours(); }, async () => { mkdirSync(join(fresh(), 'tree')); return guest.packer([{ type: 'file', source: `${folder}/`, destination: `${to}/tree` }]); });
      figures.push({ figure: `2,000 files ${how} (peer: packer)`, ...both, unit: 's', goal: roundTrip === 0 ? '1x' : '0.2x' });
      figures.push({ figure: `2,000 files ${how} (peer: rsync)`, ours: both.ours, peer: await times(() => guest.tool(`rsync -a -e "$SSH -p $PORT" tree/ $HOST:${to}/tree/`)), unit: 's' });
      if (roundTrip === 0) figures.push({ figure: `2,000 files ${how} (peer: scp -r)`, ours: both.ours, peer: await times(() => guest.tool(`$SCP -q -r tree $HOST:${to}/tree`)), unit: 's' });
      const large = await interleaved(rounds, async () => { fresh(); return guest.ours(`[new FileProvisioner({ source: 'file', destination: '${to}/file' })]`); }, async () => { fresh(); return guest.tool(`$SCP -q file $HOST:${to}/file`); });
      figures.push({ figure: `200 MB ${how} (peer: scp)`, ...large, unit: 's', goal: '1x' });
      figures.push({ figure: `200 MB ${how} (peer: packer)`, ours: large.ours, peer: await times(() => guest.packer([{ type: 'file', source: file, destination: `${to}/file` }])), unit: 's' });
    }
    return figures;
  },
} satisfies Benchmark;
