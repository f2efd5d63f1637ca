/** Runs a program's builds on scripted guests: the real runtime, the real steps, no machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from '../constructs/app.js';
import { canonicalJson, isObject } from '../json.js';
import type { AnyKind } from '../kinds.js';
import type { Plan } from '../plan.js';
import { withTime } from '../runtime/clock.js';
import { run, type RunOptions } from '../runtime/run.js';
import { collect } from '../synth/collect.js';
import { synth, type SynthOptions } from '../synth/synth.js';
import { Guest } from './guest.js';
import type { SimulatedMachine } from './simulated-machine.js';
import { simulatedRegistry } from './simulated-registry.js';
import { Recorder, Simulation } from './simulation.js';
import { VirtualTime } from './virtual-time.js';

export interface SimulateOptions extends SynthOptions, Pick<RunOptions, 'only' | 'except' | 'data' | 'ask' | 'signal'> {
  /** Values of secrets, by the names in the plan (`env:X`, `var:x`); the others are made up. */
  readonly secrets?: { readonly [name: string]: string };
  /** Outputs of sources and data sources, by path; what is left out is made up. */
  readonly outputs?: { readonly [path: string]: { readonly [output: string]: unknown } };
  /** Kinds whose real drivers run, though they change this computer or the world outside: `post-processor/manifest`. */
  readonly real?: readonly string[];
  /** Targets at a time. @default 1, so that it goes the same way each time */
  readonly parallel?: number;
}

/**
 * Builds a program on a guest that is scripted, or on one of its own for each target. Provisioners do what they do; what they would run in
 * the guest, or on this computer, the guest answers; post-processors and data sources are made up. Time passes by itself: hours are milliseconds.
 */
export async function simulate(app: App, guest: Guest | ((target: string) => Guest) = new Guest(), options: SimulateOptions = {}): Promise<Simulation> {
  const { plan, folder } = synth(app, options), program = collect(app, folder);
  const kinds = new Map<string, AnyKind>();
  for (const build of program.builds) for (const { component } of [...build.sources, ...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()]) kinds.set(component.kind.key, component.kind);
  for (const data of program.data) kinds.set(data.kind.key, data.kind);
  const recorder = new Recorder(), machines = new Map<string, SimulatedMachine>(), time = new VirtualTime();
  const scripted = new Map<string, Guest>(), guestOf = (target: string): Guest => scripted.get(target) ?? (scripted.set(target, typeof guest === 'function' ? guest(target) : guest), scripted.get(target)!);
  const registry = simulatedRegistry({ kinds, requires: plan.requires, from: join(folder, 'package.json'), guestOf, recorder, machines, outputs: options.outputs ?? {}, real: new Set(options.real), time });
  const secrets = withMadeUpSecrets(plan, options.secrets ?? {});
  const stateFolder = mkdtempSync(join(tmpdir(), 'bake-simulation-'));
  try {
    const { only, except, data, ask, signal } = options;
    const result = await withTime(time, () => time.drive(run(secrets.plan, {
      programFolder: folder, stateFolder, registry, secrets: secrets.values, parallel: options.parallel ?? 1, listen: event => { recorder.events.push(event); },
      ...(only && { only }), ...(except && { except }), ...(data && { data }), ...(ask && { ask }), ...(signal && { signal }),
    })));
    return new Simulation(result, recorder, new Map([...machines].map(([target, machine]) => [target, machine.files])));
  } finally {
    rmSync(stateFolder, { recursive: true, force: true });
  }
}

/** The plan with every secret as a variable that the run is given: nothing is read from this computer. */
function withMadeUpSecrets(plan: Plan, given: { readonly [name: string]: string }): { readonly plan: Plan; readonly values: { readonly [name: string]: string } } {
  const values: { [name: string]: string } = {};
  const take = (name: string): string => {
    const variable = `simulated ${name}`;
    values[variable] = given[name] ?? `secret-of-${name.replace(/[^A-Za-z0-9_]+/g, '-')}`;
    return `var:${variable}`;
  };
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (!isObject(value)) return value;
    if (typeof value['$secret'] === 'string' && !('$expr' in value)) return { ...value, $secret: take(value['$secret']) };
    if (value['op'] === 'secret' && typeof value['secret'] === 'string') return { ...value, secret: take(value['secret']) };
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
  };
  return { plan: copy(JSON.parse(canonicalJson(plan))) as Plan, values };
}
