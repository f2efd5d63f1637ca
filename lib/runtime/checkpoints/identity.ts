/** What the names in a target's source stand for at this moment: the image behind a tag, the newest AMI. */
import type { Json } from '../../json.js';
import type { AnyDriver } from '../registry.js';
import type { RunScope } from '../run-scope.js';
import type { TargetContext } from '../target-context.js';

/** Asked once a run where it is known; undefined: not known. `fetch: false`: nothing may be made or transferred to find out. */
export async function identityOf(context: TargetContext, driver: AnyDriver, scope: RunScope, fetch: boolean): Promise<Json | undefined> {
  const { target: { path, source }, run } = context, known = run.identities.get(path);
  if (known !== undefined || driver.identify === undefined) return known;
  const { props } = await context.ready(source, 'later');
  const identity = await context.with(source.path, scope, ctx => driver.identify!(props, ctx, fetch));
  if (identity !== undefined) run.identities.set(path, identity);
  return identity;
}
