/** For data sources: a session of their own, for one reading. */
import type { AwsFields } from '../../constructs/shared/aws.js';
import type { ResolvedOf } from '../../fields.js';
import type { DataContext } from '../driver.js';
import { accessOf, keysOf, openSession, type Session } from './session.js';

export async function reading<T>(props: ResolvedOf<AwsFields>, ctx: DataContext, work: (session: Session) => Promise<T>): Promise<T> {
  const session = openSession(accessOf(props), { keys: keysOf(props), signal: ctx.signal, note: message => ctx.note(message) });
  try { return await work(session); } finally { session.close(); }
}
