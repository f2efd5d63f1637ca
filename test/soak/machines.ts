/** Tests with real guests that take minutes each: every `*.series.test.ts`. */
import { spawn } from 'node:child_process';
import type { Soak } from './main.js';

export default {
  about: 'Tests with real guests that take minutes: resumed and cold disks, graphs of guests, kills.',
  run: (args, say) => new Promise((resolve, reject) => {
    say('npx vitest run --project series');
    spawn('npx', ['vitest', 'run', '--project', 'series', ...args], { stdio: 'inherit', env: { ...process.env, BAKE_SERIES: '1' } })
      .once('error', reject).once('exit', code => { if (code === 0) resolve(); else reject(new Error(`vitest ended with ${code}`)); });
  }),
} satisfies Soak;
