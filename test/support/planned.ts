/** A component as its driver gets it: planned, and its props resolved, without a run around it. */
import { join } from 'node:path';
import { type Fields, fieldsOf } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import type { Plan } from '../../lib/plan.js';
import { type AnyDriver, makeRegistry } from '../../lib/runtime/registry.js';
import { resolveProps } from '../../lib/runtime/resolve.js';

export interface ReadyComponent { readonly key: string; readonly driver: AnyDriver; readonly props: never; /** Outputs that its kind promises. */ readonly outputs: readonly string[]; /** All that it knows. */ readonly declared: readonly string[] }

/** `secret`: what every secret stands for. */
export async function ready(plan: Plan, planned: { readonly kind: string; readonly props: JsonObject }, folder: string, secret = ''): Promise<ReadyComponent> {
  const registry = makeRegistry(), kind = await registry.kind(planned.kind);
  return {
    key: planned.kind, driver: await registry.driver(planned.kind), outputs: required(kind.outputs), declared: fieldsOf(kind.outputs).map(([name]) => name),
    props: resolveProps(kind.fields, planned.props, {
      lookups: { secret: () => secret }, files: plan.files, filesFolder: folder, programFolder: folder, image: () => undefined, linkFolder: () => join(folder, 'links'), missing: 'throw',
    }) as never,
  };
}

const required = (fields: Fields): string[] => fieldsOf(fields).filter(([, field]) => field.need === 'required').map(([name]) => name);
