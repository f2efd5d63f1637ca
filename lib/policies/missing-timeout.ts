import type { Policy } from '../constructs/policy.js';
import { type PolicyOptions, propsOf, reporter, stepsOf } from './reading.js';

/** A step that may wait for ever: neither it nor its build has a time limit. */
export const missingTimeout = (options: PolicyOptions = {}): Policy => ({
  id: 'missing-timeout',
  check(build, report) {
    if (build.timeout !== undefined) return;
    const found = reporter(report, options);
    for (const { component } of stepsOf(build)) {
      if (propsOf(component)['timeout'] !== undefined) continue;
      found({ component, message: 'this step has no time limit, and neither has its build', remedy: 'Give the step one (timeout: Duration.minutes(10)), or the whole build.' });
    }
  },
});
