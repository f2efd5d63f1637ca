import type { Reporter, TestModule, SerializedError } from 'vitest/node';

/** Prints, as the very last lines of a run, the tests that passed at their second try only, and `N passed, N failed, N skipped`; a file that does not load and an error outside of tests count as failed. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    let passed = 0, failed = errors.length, skipped = 0;
    const second: string[] = [];
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++; else if (state === 'failed') failed++; else skipped++;
        if (test.diagnostic()?.flaky) second.push(`passed at the second try: ${module.relativeModuleId} > ${test.fullName}\n`);
      }
    }
    // At exit, since vitest prints more after its reporters are done.
    process.once('exit', () => process.stdout.write(`${second.join('')}${passed} passed, ${failed} failed, ${skipped} skipped\n`));
  }
}
