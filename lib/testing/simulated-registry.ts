/** Drivers for a simulation: sources are scripted guests, steps in the guest are real, what would change this computer or the world outside is made up. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errors } from '../errors.js';
import { fieldsOf } from '../fields.js';
import type { AnyKind } from '../kinds.js';
import type { Plan } from '../plan.js';
import type { Artifact, Context } from '../runtime/driver.js';
import { type AnyDriver, makeRegistry, type Registry } from '../runtime/registry.js';
import { sleep } from '../runtime/retry.js';
import { type Guest, RuleBook } from './guest.js';
import { atWork, fabricated, SimulatedMachine } from './simulated-machine.js';
import type { Recorder } from './simulation.js';
import type { VirtualTime } from './virtual-time.js';

const fail = errors('SIMULATION', {
  HOST: { message: (command: string, how: string, said: string) => `${command} ${how}${said === '' ? '.' : `: ${said.trim()}`}`, remedy: 'The simulated guest was scripted so: onHost.' },
});

export interface SimulatedWorld {
  readonly kinds: ReadonlyMap<string, AnyKind>;
  readonly requires: Plan['requires'];
  readonly from: string;
  readonly guestOf: (target: string) => Guest;
  readonly recorder: Recorder;
  /** Filled as machines start. */
  readonly machines: Map<string, SimulatedMachine>;
  readonly outputs: { readonly [path: string]: { readonly [output: string]: unknown } };
  readonly real: ReadonlySet<string>;
  readonly time: VirtualTime;
}
type Props = { readonly [name: string]: unknown };

export function simulatedRegistry(world: SimulatedWorld): Registry {
  const ours = makeRegistry({ requires: world.requires, from: world.from });
  const kind = async (key: string): Promise<AnyKind> => world.kinds.get(key) ?? ours.kind(key);
  const books = new Map<string, RuleBook>();
  const bookOf = (target: string): RuleBook => {
    const book = books.get(target) ?? new RuleBook(world.guestOf(target));
    books.set(target, book);
    return book;
  };
  const driver = async (key: string): Promise<AnyDriver> => {
    const its = await kind(key), load = async (): Promise<AnyDriver> => (its.driver === undefined ? ours.driver(key) : (await its.driver()).default as AnyDriver);
    if (world.real.has(key)) return load();
    switch (its.role) {
      case 'source': return sourceDriver(its, world, bookOf);
      case 'data': return { read: async () => fabricated(its.outputs) } as unknown as AnyDriver;
      case 'post-processor': return { effects: 'local', run: async (_props: Props, _input: Artifact, ctx: Context) => ({ artifact: madeUp(its, ctx.path, world), keepInput: 'yes' }) } as unknown as AnyDriver;
      default: {
        const real = await load().catch(() => undefined);
        return real === undefined || real.effects === 'host' || real.effects === 'both' ? hostStep(its, world, bookOf) : { ...real, run: (props, guest, ctx) => atWork.run(ctx.path, () => real.run(props, guest, ctx)) };
      }
    }
  };
  return { kind: key => world.time.still(kind(key)), driver: key => world.time.still(driver(key)) };
}

function sourceDriver(kind: AnyKind, world: SimulatedWorld, bookOf: (target: string) => RuleBook): AnyDriver {
  return {
    start: async (_props: Props, ctx: Context) => {
      const machine = new SimulatedMachine(kind, ctx.target, bookOf(ctx.target), world.recorder, world.outputs[ctx.target] ?? {});
      world.machines.set(ctx.target, machine);
      return machine;
    },
    destroy: async () => {},
  } as unknown as AnyDriver;
}

function madeUp(kind: AnyKind, path: string, world: SimulatedWorld): Artifact {
  return { madeBy: kind.key, id: `simulated:${path}`, files: [], data: {}, outputs: { ...fabricated(kind.outputs), ...world.outputs[path] } };
}

/** A step on this computer, as far as a test cares: the commands that it would run, each answered. */
function hostStep(kind: AnyKind, world: SimulatedWorld, bookOf: (target: string) => RuleBook): AnyDriver {
  return {
    effects: 'host',
    run: async (props: Props, _guest: unknown, ctx: Context) => {
      const valid = (props['validExitCodes'] ?? [0]) as readonly number[], book = bookOf(ctx.target);
      const asked = { target: ctx.target, step: ctx.path, environment: (props['environment'] ?? {}) as { readonly [name: string]: string }, files: new Map<string, string>() };
      const whole = book.answer('step', ctx.path, asked);
      for (const command of whole === undefined ? hostCommands(kind, props) : [kind.type]) {
        const record = world.recorder.command({ target: ctx.target, step: ctx.path, where: 'host', command });
        const answer = whole ?? book.answer('host', command, asked) ?? {};
        if (answer.stdout !== undefined) ctx.output('stdout', answer.stdout);
        if (answer.stderr !== undefined) ctx.output('stderr', answer.stderr);
        if (answer.takes !== undefined) await sleep(answer.takes.$duration, ctx.signal);
        const exit = record.ended(answer.signal === undefined ? { how: 'exited', code: answer.exit ?? 0 } : { how: 'signalled', signal: answer.signal });
        if (exit.how === 'exited' && valid.includes(exit.code)) continue;
        throw fail.HOST(command, exit.how === 'exited' ? `ended with code ${exit.code}` : 'was ended by a signal', answer.stderr ?? '', { facts: { exit } });
      }
    },
  } as unknown as AnyDriver;
}

/** The lines of a shell-local; for another tool, its name and the files that it is given: `ansible site.yml`. */
function hostCommands(kind: AnyKind, props: Props): readonly string[] {
  const { inline, command, script, scripts } = props;
  if (Array.isArray(inline)) return inline as string[];
  if (typeof command === 'string') return [command];
  const files = [script, ...(Array.isArray(scripts) ? scripts as unknown[] : [])].filter((path): path is string => typeof path === 'string');
  if (files.length > 0) return files.flatMap(path => readFileSync(path, 'utf8').split('\n').map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#')));
  const paths = fieldsOf(kind.fields).flatMap(([name, field]) => (field.type.is === 'path' && typeof props[name] === 'string' ? [basename(props[name])] : []));
  return [[kind.type, ...paths].join(' ')];
}
