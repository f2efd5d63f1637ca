/** The values of a program's variables, checked by type and rules. */
import type { VariableRule } from '../constructs/variable.js';
import { variableLookup } from '../constructs/variable.js';
import { checkVariable, describeVariableType } from '../constructs/variable-type.js';
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
    const sensitive = variable.props.sensitive === true;
    const found = variableLookup.read(variable);
    if ('problem' in found) {
      problems.add({ code: 'MISSING_VARIABLE', path: name, at: variable.at, message: found.problem, remedy: found.remedy });
      continue;
    }
    const checked = checkVariable(variable.type, found.value, found.from !== 'new App({ variables })' && found.from !== 'its default');
    if ('wrong' in checked) {
      problems.add({
        code: 'BAD_VARIABLE', path: name, at: variable.at, message: sensitive ? `the value given by ${found.from} is not ${describeVariableType(variable.type)}` : `${checked.wrong} (given by ${found.from})`,
        remedy: `Give it ${describeVariableType(variable.type)}.`,
      });
      continue;
    }
    const broken = brokenRules(variable.props.validate as readonly VariableRule<unknown>[] | undefined, checked.value);
    for (const message of broken) {
      problems.add({ code: 'BAD_VARIABLE', path: name, at: variable.at, message: sensitive ? `the value given by ${found.from} breaks a rule` : `${JSON.stringify(checked.value)} (given by ${found.from}) breaks a rule`, remedy: message });
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
  for (const name of Object.keys(program.app.variables)) {
    if (program.variables.has(name) || program.secretVariables.has(name)) continue;
    const near = suggest(name, [...program.variables.keys(), ...program.secretVariables.keys()]);
    problems.add({ code: 'UNKNOWN_VARIABLE', path: '', at: program.app.at, message: `new App({ variables }) gives '${name}', and the program has no such variable`, remedy: near === undefined ? 'Take it out, or declare it: new Variable(app, …).' : `Did you mean '${near}'?` });
  }
  return {
    planned,
    lookups: {
      variable: name => values.get(name),
      isSensitive: name => program.variables.get(name)?.props.sensitive === true,
      local: name => program.locals.get(name)?.expression,
    },
  };
}

function brokenRules(rules: readonly VariableRule<unknown>[] | undefined, value: Json): string[] {
  return (rules ?? []).filter(rule => {
    try { return !rule.condition(value); } catch { return true; }
  }).map(rule => rule.message);
}
