/** The values of a program's variables, checked by type and rules. */
import { checkedValue, secretOnCommandLine, variableLookup } from '../constructs/variable.js';
import { describeVariableType } from '../constructs/variable-type.js';
import type { Lookups } from '../evaluate.js';
import type { Json } from '../json.js';
import type { PlannedVariable } from '../plan.js';
import { suggest } from '../suggest.js';
import type { Program } from './collect.js';
import type { ProblemSink } from './problem-sink.js';

export interface Inputs {
  readonly lookups: Lookups;
  readonly planned: { readonly [name: string]: PlannedVariable };
}

export function readInputs(program: Program, problems: ProblemSink): Inputs {
  const values = new Map<string, Json>(), planned: { [name: string]: PlannedVariable } = {};
  for (const { what, name, at } of program.duplicates) {
    problems.add({ code: 'DUPLICATE_NAME', path: name, at, message: `two ${what} are called '${name}'`, remedy: 'Give one of them another name.' });
  }
  for (const [name, variable] of program.variables) {
    const sensitive = variable.props.sensitive === true, checked = checkedValue(variable);
    if ('problems' in checked) {
      for (const problem of checked.problems) problems.add({ ...problem, path: name, at: variable.at });
      continue;
    }
    values.set(name, checked.value);
    planned[name] = {
      type: describeVariableType(variable.type), ...(variable.props.description === undefined ? {} : { description: variable.props.description }),
      ...(sensitive ? { sensitive: true as const } : { value: checked.value }), ...(variable.structural ? { structural: true as const } : {}),
    };
  }
  for (const [name, variable] of program.secretVariables) {
    planned[name] = { type: 'secret', sensitive: true, ...(variable.props.description === undefined ? {} : { description: variable.props.description }) };
  }
  reportStrangers(program, problems);
  return {
    planned,
    lookups: {
      variable: name => values.get(name),
      isSensitive: name => program.variables.get(name)?.props.sensitive === true,
      local: name => program.locals.get(name)?.expression,
    },
  };
}

/** Values for variables that the program does not have, and secrets given where others see them. */
function reportStrangers(program: Program, problems: ProblemSink): void {
  const ours = [...program.variables.keys(), ...program.secretVariables.keys()];
  const unknown = (name: string, who: string, at: Error | undefined, severity: 'error' | 'warning', otherwise: string): void => {
    const near = suggest(name, ours);
    problems.add({
      code: 'UNKNOWN_VARIABLE', path: '', severity, at, message: `${who} gives '${name}', and the program has no such variable`,
      remedy: near !== undefined ? `Did you mean '${near}'?` : ours.length === 0 ? `The program has no variables. ${otherwise}` : `Its variables are: ${ours.join(', ')}. ${otherwise}`,
    });
  };
  for (const name of Object.keys(program.app.variables)) {
    if (!ours.includes(name)) unknown(name, 'new App({ variables })', program.app.at, 'error', 'Take it out, or declare it: new Variable(app, …).');
  }
  for (const { name, how, from } of variableLookup.given?.() ?? []) {
    // A file of values may serve several programs; what is typed is meant for this one.
    if (!ours.includes(name)) unknown(name, from, undefined, how === 'flag' ? 'error' : 'warning', 'Take it out, or declare it: new Variable(app, …).');
    else if (how === 'flag' && program.secretVariables.has(name)) {
      problems.add({ ...secretOnCommandLine(name), path: name, at: program.secretVariables.get(name)!.at });
    }
  }
}
