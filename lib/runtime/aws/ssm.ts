/** The Systems Manager: parameters, and tunnels to instances. */
import { loadSsm } from './sdk.js';
import type { Calls, Client, Session } from './session.js';

type SsmModule = typeof import('@aws-sdk/client-ssm');
export const ssmOf = (session: Session): Calls<SsmModule> => session.service<SsmModule>('ssm', loadSsm, (m, settings) => new m.SSMClient(settings) as unknown as Client);
