/** A soak that is the files of tests named `*.series.test.ts` in some folders. */
import { spawn } from 'node:child_process';
import type { Soak } from '../soak/main.js';

export const series = (about: string, ...folders: readonly string[]): Soak => ({
  about,
  run: (args, say) => new Promise((resolve, reject) => {
    const words = ['vitest', 'run', '--project', 'series', ...folders, ...args];
    say(`npx ${words.join(' ')}`);
    spawn('npx', words, { stdio: 'inherit', env: { ...process.env, BAKE_SERIES: '1' } })
      .once('error', reject).once('exit', code => { if (code === 0) resolve(); else reject(new Error(`vitest ended with ${code}`)); });
  }),
});
