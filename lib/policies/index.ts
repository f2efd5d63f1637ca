/** `imagebake/policies`: rules that many want to hold for every image. `app.addPolicy(unpinnedBase())`. */
import type { Policy } from '../constructs/policy.js';
import { curlPipeShell } from './curl-pipe-shell.js';
import { httpWithoutChecksum } from './http-without-checksum.js';
import { missingTimeout } from './missing-timeout.js';
import type { PolicyOptions } from './reading.js';
import { secretInInlineText } from './secret-in-inline-text.js';
import { sshPasswordLogin } from './ssh-password-login.js';
import { unpinnedBase } from './unpinned-base.js';

export { unpinnedBase, type UnpinnedBaseOptions } from './unpinned-base.js';
export { curlPipeShell, httpWithoutChecksum, missingTimeout, type PolicyOptions, secretInInlineText, sshPasswordLogin };

/** All of them: `app.addPolicy(...allPolicies())`. */
export function allPolicies(options: PolicyOptions = {}): readonly Policy[] {
  return [unpinnedBase, httpWithoutChecksum, secretInInlineText, curlPipeShell, sshPasswordLogin, missingTimeout].map(make => make(options));
}
