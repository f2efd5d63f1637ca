import type { Policy } from '../constructs/policy.js';
import { isObject } from '../json.js';
import { type PolicyOptions, propsOf, reporter, sourcesOf } from './reading.js';

/** A machine that lets someone in by password while it is built, and perhaps in every copy of the image. */
export const sshPasswordLogin = (options: PolicyOptions = {}): Policy => ({
  id: 'ssh-password-login',
  check(build, report) {
    const found = reporter(report, options);
    for (const component of sourcesOf(build)) {
      const { ssh, sshPassword } = propsOf(component);
      const field = isObject(ssh) && ssh['password'] !== undefined ? 'ssh.password' : sshPassword !== undefined ? 'sshPassword' : undefined;
      if (field === undefined) continue;
      found({ component, field, message: 'the machine is logged in to with a password', remedy: 'Leave the password out: each run makes a key of its own, and removes it from the image. Or give a key: ssh.privateKeyFile.' });
    }
  },
});
