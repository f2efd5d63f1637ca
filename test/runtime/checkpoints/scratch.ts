/** A kind of machine for tests of checkpoints: its disk is a list of lines. What really runs is written down. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { field, PostProcessor, postProcessor, Provisioner, provisioner, Source, source } from '../../../lib/kit.js';
import { localCommunicator } from '../../../lib/runtime/communicators/local.js';
import type { Communicator, Machine, PostProcessorDriver, ProvisionerDriver, SourceDriver } from '../../../lib/runtime/driver.js';
import { fileRef } from '../../../lib/runtime/host/file-ref.js';
import { outputProblem, placeOutput } from '../../../lib/runtime/host/place.js';

/** What ran, in order, since it was emptied. */
export const ran: string[] = [];
/** How many bytes a saved state has beside its lines (they differ from state to state), and whether another machine can go on from it. */
export const weight = { bytes: 0, boots: false };
/** Steps wait for what is in here, by line. */
export const gates = new Map<string, Promise<unknown>>();
let unwell = 0;
/** How many saved machines refuse to come up. */
export function refuseToResume(times: number): void { unwell = times; }

interface Scratch extends Communicator { readonly lines: string[] }
const connect = (lines: string[]): Scratch => Object.assign(localCommunicator(), { lines });

function machine(lines: string[]): Machine {
  return {
    connect: async () => connect(lines),
    capture: async (props, ctx) => {
      ran.push(`capture ${ctx.target}`);
      const { output } = props as { readonly output: string };
      const place = await placeOutput(output, ctx);
      writeFileSync(place.path, lines.join('\n'));
      // As a flattened disk would: written in a while, not at once.
      if (weight.bytes > 0) for (let i = 0; i < 20; i++) await new Promise(resolve => setTimeout(resolve, 10));
      await place.commit();
      return { madeBy: 'source/scratch', id: output, files: [await fileRef(output)], data: {}, outputs: { path: output } };
    },
    save: async ctx => {
      const file = join(ctx.temporaryFolder, `state-${lines.length}`), ballast = `${file}-ballast`;
      writeFileSync(file, JSON.stringify(lines));
      if (weight.bytes === 0) return { fits: 1, data: null, blobs: { state: await fileRef(file) }, boots: weight.boots };
      writeFileSync(ballast, Buffer.alloc(weight.bytes, lines.join()));
      return { fits: 1, data: null, blobs: { state: await fileRef(file), ballast: await fileRef(ballast) } };
    },
  };
}

const scratchDriver: SourceDriver<typeof scratch> = {
  preflight: async (props, ctx) => {
    const problem = await outputProblem(props.output, ctx.force, 'output');
    return problem ? [problem] : [];
  },
  start: async (props, ctx) => {
    ran.push(`start ${ctx.target}`);
    return machine(props.from ? readFileSync(props.from.files[0]!.path, 'utf8').split('\n') : [props.image ?? '']);
  },
  resume: async (_props, saved, ctx) => {
    ran.push(`resume ${ctx.target}`);
    if (unwell-- > 0) throw new Error('this machine does not come up');
    return machine(JSON.parse(readFileSync(saved.blobs['state']!.path, 'utf8')) as string[]);
  },
  installs: props => props.install === true,
  present: async () => true,
  identify: async ({ named = null }) => {
    if (named !== null) ran.push(`identify ${named}`);
    return named;
  },
};
export const scratch = source('scratch', {
  image: field.string(), from: field.image('scratch'), output: field.outputPath({ required: true }), memory: field.integer({ affects: 'machine' }), install: field.boolean(), named: field.string({ affects: 'none' }),
}, { outputs: { path: field.path({ required: true }) }, driver: async (): Promise<{ readonly default: unknown }> => ({ default: scratchDriver }) });
export class ScratchSource extends Source<typeof scratch, 'scratch'> { constructor(props: object) { super(scratch, props as never); } }

const addDriver: ProvisionerDriver<typeof add> = {
  effects: 'guest',
  run: async (props, guest) => {
    ran.push(`add ${props.line}`);
    await gates.get(props.line);
    if (props.line === 'fail') throw new Error('this step fails');
    (guest as Scratch).lines.push(props.file === undefined ? props.line : readFileSync(props.file, 'utf8'));
  },
};
export const add = provisioner('add', { line: field.string({ required: true }), file: field.path() }, { driver: async (): Promise<{ readonly default: unknown }> => ({ default: addDriver }) });
export class Add extends Provisioner<typeof add> { constructor(props: object) { super(add, props as never); } }

const makeDriver: ProvisionerDriver<typeof make> = {
  effects: 'host',
  run: async props => { ran.push(`make ${props.file}`); writeFileSync(props.file, props.content); },
};
export const make = provisioner('make', { file: field.outputPath({ required: true, affects: 'disk' }), content: field.string({ required: true }) }, { driver: async (): Promise<{ readonly default: unknown }> => ({ default: makeDriver }) });
export class Make extends Provisioner<typeof make> { constructor(props: object) { super(make, props as never); } }

const pushDriver: PostProcessorDriver<typeof push> = {
  effects: 'outside',
  run: async (props, input) => { ran.push(`push ${props.to}`); return { artifact: input, keepInput: 'yes' }; },
};
export const push = postProcessor('push', { to: field.string({ required: true }) }, { driver: async (): Promise<{ readonly default: unknown }> => ({ default: pushDriver }) });
export class Push extends PostProcessor<typeof push> { constructor(props: object) { super(push, props as never); } }

export const kinds = [scratch, add, make, push];
