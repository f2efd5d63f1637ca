/** Reads a plan's data sources, between synth and run, in the plan's order. */
import type { PlannedData } from '../plan.js';
import { resolveProps } from './resolve.js';
import type { RunScope } from './run-scope.js';
import { lookupsOf, type RunState } from './run-state.js';

/** Fills `run.data`; what is given already is not read again. */
export async function readDataSources(run: RunState, planned: readonly PlannedData[], root: RunScope): Promise<void> {
  for (const source of planned) {
    if (run.data.has(source.path)) continue;
    await root.step(source.path, async here => {
      const [kind, driver] = await Promise.all([run.registry.kind(source.kind), run.registry.driver(source.kind)]);
      const props = resolveProps(kind.fields, source.props, {
        lookups: lookupsOf(run, () => undefined), files: run.plan.files, filesFolder: run.folders.files, programFolder: run.folders.program, missing: 'throw',
        image: () => undefined, linkFolder: () => run.folders.temporary,
      });
      run.data.set(source.path, await driver.read(props as never, {
        signal: here.signal, programFolder: run.folders.program, note: message => here.emit({ type: 'note', message }), secret: value => { run.redactor.add(value); },
      }) as { readonly [output: string]: unknown });
    }, { at: source.at });
  }
}
