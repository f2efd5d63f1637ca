/** Inputs of a program, and named expressions. */
import { Construct } from 'constructs';
import { errors, exitCodes } from '../errors.js';
import type { Json } from '../json.js';
import { placeOf } from '../location.js';
import { type Expr, exprOf, type Input, type Ref, ref } from '../values.js';
import { appOf } from './app.js';
import { type Attribute, checkVariable, describeVariableType, inferType, type VariableType } from './variable-type.js';

const fail = errors('VARIABLE', {
  NO_VALUE: {
    message: (name: string, wrong: string, _remedy: string) => `variable '${name}': ${wrong}`, remedy: (_name: string, _wrong: string, remedy: string) => remedy,
    explain: 'The program reads `variable.value` while it runs, and there is no good value at that time.', exit: exitCodes.problems,
  },
});

export type VariableValue = string | number | boolean | null | readonly VariableValue[] | { readonly [key: string]: VariableValue | undefined };
type Widened<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : T;

/** A condition that a value must meet. */
export interface VariableRule<T> {
  readonly condition: (value: T) => boolean;
  /** Shown when it does not hold: what a good value is. */
  readonly message: string;
  /** The same condition in HCL, given what the value is called there: `isOneOf`, `matches`, `isBetween` and `hasLength` have one. */
  readonly hcl?: (value: string) => string;
}

export interface VariableProps<T> {
  /** Taken when nobody gives a value. Without one, a value must be given. */
  readonly default?: T;
  readonly description?: string;
  /** Redacted wherever it would be printed, and never in the plan. @default false */
  readonly sensitive?: boolean;
  /** Conditions, all of which must hold. */
  readonly validate?: readonly VariableRule<Widened<T>>[];
  /** What values it takes, for a variable without a default: `types.number`, `types.list(types.string)` … @default as the default's; else any, read as text */
  readonly type?: VariableType;
}

/** An input of the program: a Ref to its value, given by `--var`, a file, the environment, or its default. */
export class Variable<T extends VariableValue = string> extends Construct implements Ref<Widened<T>> {
  readonly $expr: Expr;
  declare readonly $type?: Widened<T>;
  readonly $variable = true;
  readonly at: Error;
  readonly type: VariableType;
  /** Set once the program read `value`: its shape may depend on it, so exporters bake it in. */
  structural = false;

  constructor(scope: Construct, id: string, readonly props: VariableProps<T> = {}) {
    super(scope, id);
    this.at = placeOf(new.target);
    this.$expr = { op: 'variable', name: this.node.id };
    this.type = props.type ?? inferType(props.default as Json | undefined);
  }

  /**
   * The value, while the program runs: for an `if` or a loop. Marks the variable as structural.
   * Throws where no value was given, or a wrong one.
   */
  get value(): Widened<T> {
    this.structural = true;
    const found = checkedValue(this as unknown as Variable);
    if ('problems' in found) {
      const error = fail.NO_VALUE(this.node.id, found.problems[0]!.message, found.problems[0]!.remedy);
      variableLookup.refused?.(error);
      throw error;
    }
    return found.value as Widened<T>;
  }
}

export interface SecretVariableProps {
  readonly description?: string;
}

/** An input that must never be printed or stored. Given by BAKE_VAR_name or --var-file, never on the command line. */
export class SecretVariable extends Construct {
  readonly $secret: string;
  readonly $secretVariable = true;
  readonly at: Error;
  constructor(scope: Construct, id: string, readonly props: SecretVariableProps = {}) {
    super(scope, id);
    this.at = placeOf(new.target);
    this.$secret = `var:${this.node.id}`;
  }
}

/** A named expression: kept by name in exported templates (`locals`). */
export class Local<T = unknown> extends Construct implements Ref<T> {
  readonly $expr: Expr;
  declare readonly $type?: T;
  readonly $local = true;
  readonly at: Error;
  readonly expression: Expr;
  constructor(scope: Construct, id: string, value: Input<T>) {
    super(scope, id);
    this.at = placeOf(new.target);
    this.$expr = { op: 'local', name: this.node.id };
    this.expression = exprOf(value);
  }
}

/** Gives an expression a name. */
export function local<T>(scope: Construct, id: string, value: Input<T>): Ref<T> {
  return new Local<T>(scope, id, value);
}

/** Which member of an object or a list: `member(network, 'subnet')`. */
export function member<T, K extends keyof T & (string | number)>(of: Ref<T>, key: K): Ref<T[K]> {
  return ref({ op: 'member', of: of.$expr, key });
}

export type Lookup = { readonly value: Json; readonly from: string } | { readonly code?: string; readonly problem: string; readonly remedy: string };
/** A value that was given from outside: by `--var` (`flag`), a file, or the environment. */
export interface Given { readonly name: string; readonly how: 'flag' | 'file'; readonly from: string }
const fromProgram = ['new App({ variables })', 'its default'] as const;

/** How a variable finds its value: set by program.ts, which knows the command line, files and the environment. Here: the App's, else the default. */
export const variableLookup: {
  read: (variable: Variable) => Lookup;
  /** Every name that the command line and its files give, to find those that the program lacks. */
  given?: () => readonly Given[];
  /** Told of the error that reading `variable.value` is about to throw. */
  refused?: (error: Error) => void;
} = {
  read: variable => appValue(variable) ?? defaultValue(variable),
};

/** The value that `new App({ variables })` gives. */
export function appValue(variable: Variable): Lookup | undefined {
  const given = appOf(variable)?.variables[variable.node.id];
  return given === undefined ? undefined : { value: given as Json, from: fromProgram[0] };
}
export function defaultValue(variable: Variable): Lookup {
  if (variable.props.default !== undefined) return { value: variable.props.default as Json, from: fromProgram[1] };
  const { id } = variable.node;
  return variable.props.sensitive === true
    ? { problem: 'no value was given', remedy: `Give one: BAKE_VAR_${id}, --var-file, or a default.` }
    : { problem: 'no value was given', remedy: `Give one: --var ${id}=…, BAKE_VAR_${id}, --var-file, or a default.` };
}

/** A secret's value in the arguments of a process is seen by every user of the computer. */
export function secretOnCommandLine(name: string): { readonly code: string; readonly message: string; readonly remedy: string } {
  return {
    code: 'SECRET_ON_COMMAND_LINE', message: 'this secret was given with --var, where every user of this computer can read it (ps)',
    remedy: `Take it from there, change the secret if others had the time to look, and set BAKE_VAR_${name} or give a --var-file.`,
  };
}

export type CheckedValue = { readonly value: Json; readonly from: string } | { readonly problems: readonly { readonly code: string; readonly message: string; readonly remedy: string }[] };

/** A variable's value, converted to its type and held to its rules. A sensitive value is in no message. */
export function checkedValue(variable: Variable): CheckedValue {
  const found = variableLookup.read(variable), sensitive = variable.props.sensitive === true;
  if ('problem' in found) return { problems: [{ code: found.code ?? 'MISSING_VARIABLE', message: found.problem, remedy: found.remedy }] };
  const { from } = found, wanted = describeVariableType(variable.type);
  // What comes from outside is text where the type says a number; what the program itself writes is not.
  const checked = checkVariable(variable.type, found.value, !(fromProgram as readonly string[]).includes(from));
  if ('wrong' in checked) return { problems: [{ code: 'BAD_VARIABLE', message: sensitive ? `the value given by ${from} is not ${wanted}` : `${checked.wrong} (given by ${from})`, remedy: `Give it ${wanted}.` }] };
  const broken = (variable.props.validate as readonly VariableRule<unknown>[] | undefined ?? []).filter(rule => {
    try { return !rule.condition(checked.value); } catch { return true; }
  });
  if (broken.length === 0) return { value: checked.value, from };
  const what = sensitive ? `the value given by ${from}` : `${JSON.stringify(checked.value)} (given by ${from})`;
  return { problems: broken.map(rule => ({ code: 'BAD_VARIABLE', message: `${what} breaks a rule`, remedy: rule.message })) };
}

export type { Attribute };
