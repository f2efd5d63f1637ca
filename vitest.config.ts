import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const ci = process.env['BAKE_CI'] === '1';
const machineTests = ['{test,templates-examples}/**/*.machine.test.ts'];

/** Two projects: `fast` needs nothing but Node; `machines` boots guests, runs containers and servers, one file after the other, so that they do not starve each other. */
export default defineConfig({
  // Examples say 'imagebake', as users do; here that is the sources.
  resolve: { alias: [{ find: /^imagebake$/, replacement: `${root}lib/index.ts` }, { find: /^imagebake\/kit$/, replacement: `${root}lib/kit.ts` }, { find: /^imagebake\/(testing|packer|policies|runtime)$/, replacement: `${root}lib/$1/index.ts` }] },
  test: {
    maxWorkers: 2,
    expect: { poll: { timeout: 30_000 } },
    // Tests load the SDK by themselves; of its warning they know nothing to do.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    reporters: ['default', ...(ci ? [['json', { outputFile: 'node_modules/.cache/test-report.json' }] as ['json', object]] : []), './test/support/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast', include: ['{test,templates-examples}/**/*.test.ts'], exclude: [...machineTests, '**/*.series.test.ts', '**/node_modules/**', '**/fixtures/**'],
          testTimeout: 120_000, hookTimeout: 300_000, retry: ci ? 1 : 0, sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'machines', include: machineTests, exclude: ['**/node_modules/**', '**/fixtures/**'], globalSetup: ['./test/support/engine-setup.ts'],
          testTimeout: 300_000, hookTimeout: 600_000, fileParallelism: false, retry: ci ? 1 : 0, sequence: { groupOrder: 1 },
        },
      },
      // Long series: `npm run soak -- machines`.
      ...(process.env['BAKE_SERIES'] === '1' ? [{
        extends: true as const,
        test: {
          name: 'series', include: ['test/**/*.series.test.ts'], exclude: ['**/node_modules/**'], globalSetup: ['./test/support/engine-setup.ts'],
          testTimeout: 900_000, hookTimeout: 900_000, fileParallelism: false, sequence: { groupOrder: 2 },
        },
      }] : []),
    ],
  },
});
