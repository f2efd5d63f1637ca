/** Reads Plans from anywhere: the shape as a schema, and what is wrong with a bad one in words. The JSON Schema in schema/ is made from it. */
import * as v from 'valibot';
import { errors, exitCodes, messageOf } from './errors.js';
import { isObject, type Json } from './json.js';
import { type Plan, planFormat } from './plan.js';
import { filesIn } from './planned-props.js';

const fail = errors('PLAN', {
  NOT_JSON: { message: (from: string, why: string) => `${from} is not JSON: ${why}`, remedy: 'Make it again with bake synth --out.', exit: exitCodes.problems },
  OTHER_FORMAT: {
    message: (from: string, found: string) => `${from} has the format ${found}, and this version reads ${planFormat}`,
    remedy: 'Make it again with bake synth --out, or use the version of imagebake that made it.', exit: exitCodes.problems,
  },
  INVALID: { message: (from: string, issues: string) => `${from} is not a valid plan:\n${issues}`, remedy: 'Make it again with bake synth --out.', exit: exitCodes.problems },
});

const json: v.GenericSchema<Json> = v.lazy(() => v.union([v.null(), v.boolean(), v.number(), v.string(), v.array(json), v.record(v.string(), json)])) as v.GenericSchema<Json>;
const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits'));
const milliseconds = v.pipe(v.number(), v.minValue(0));
const checkpoint = v.picklist(['auto', 'always', 'never']);

const component = {
  kind: v.pipe(v.string(), v.regex(/^(source|provisioner|post-processor|data)\/.+$/, 'must be role/type, such as source/qemu')),
  path: v.string(),
  props: v.record(v.string(), json),
  own: v.strictObject({ disk: digest, machine: digest, capture: digest }),
  secrets: v.optional(v.array(v.string())),
  at: v.optional(v.string()),
};
const step = v.strictObject({
  ...component,
  settings: v.strictObject({
    pauseBefore: v.optional(milliseconds), pauseAfter: v.optional(milliseconds), timeout: v.optional(milliseconds), expires: v.optional(milliseconds),
    maxRetries: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))), continueOnError: v.optional(v.boolean()), checkpoint: v.optional(checkpoint), creates: v.optional(v.array(v.string())),
  }),
});

export const planSchema = v.strictObject({
  format: v.literal(planFormat),
  requires: v.record(v.string(), v.strictObject({ version: v.string(), modules: v.record(v.string(), v.string()) })),
  variables: v.record(v.string(), v.strictObject({
    type: v.string(), description: v.optional(v.string()), sensitive: v.optional(v.literal(true)), value: v.optional(json), structural: v.optional(v.literal(true)),
  })),
  data: v.array(v.strictObject({ ...component, outputs: v.array(v.string()), lock: v.boolean(), sensitive: v.optional(v.array(v.string())) })),
  targets: v.array(v.strictObject({
    path: v.string(), build: v.string(), name: v.string(), after: v.array(v.string()),
    source: v.strictObject(component), provisioners: v.array(step), errorCleanup: v.array(step),
    postProcessors: v.array(v.array(v.strictObject({ ...component, keepInputArtifact: v.optional(v.boolean()) }))),
    settings: v.strictObject({ checkpoint: v.optional(checkpoint), timeout: v.optional(milliseconds) }),
    at: v.optional(v.string()),
  })),
  acknowledged: v.optional(v.array(v.strictObject({ policy: v.string(), path: v.string(), reason: v.string() }))),
  files: v.record(digest, v.strictObject({ path: v.string(), kind: v.picklist(['file', 'folder']), size: v.number(), mode: v.number() })),
});

/** Reads a Plan from JSON text or from a value. `from` names it in messages. Throws a BakeError (exit code 3) that says precisely what is wrong. */
export function parsePlan(input: string | Json, from = 'the plan'): Plan {
  let value: unknown = input;
  if (typeof input === 'string') {
    try { value = JSON.parse(input); } catch (error) { throw fail.NOT_JSON(from, (error as Error).message); }
  }
  const format = isObject(value) ? value['format'] : undefined;
  if (format !== planFormat) throw fail.OTHER_FORMAT(from, format === undefined ? 'of no plan' : JSON.stringify(format));
  const result = checked(value, from);
  if (!result.success) {
    throw fail.INVALID(from, result.issues.slice(0, 20).map(issue => `  ${v.getDotPath(issue) ?? 'plan'}: ${issue.message}`).join('\n'));
  }
  const plan = result.output as Plan;
  const inconsistent = checkReferences(plan);
  if (inconsistent.length > 0) throw fail.INVALID(from, inconsistent.map(m => `  ${m}`).join('\n'));
  return plan;
}

function checked(value: unknown, from: string): v.SafeParseResult<typeof planSchema> {
  try {
    return v.safeParse(planSchema, value);
  } catch (error) {
    // Only values nested thousands deep get here: the schema follows them by recursion.
    throw fail.INVALID(from, `  ${messageOf(error)}: it is nested too deep`);
  }
}

/** What a schema cannot say: names that must exist, and the order of targets. */
function checkReferences(plan: Plan): string[] {
  const wrong: string[] = [], seen = new Set<string>();
  for (const target of plan.targets) {
    if (seen.has(target.path)) wrong.push(`targets: '${target.path}' stands there twice`);
    for (const base of target.after) if (!seen.has(base)) wrong.push(`targets: '${target.path}' comes before '${base}', which it stands on`);
    seen.add(target.path);
    for (const component of [target.source, ...target.provisioners, ...target.errorCleanup, ...target.postProcessors.flat()]) {
      for (const digest of filesIn(component.props)) if (plan.files[digest] === undefined) wrong.push(`${component.path}: names the file ${digest}, which is not among files`);
    }
  }
  return wrong;
}
