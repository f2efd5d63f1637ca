/** Inputs of a program, and named expressions. */
import { Construct } from 'constructs';
import type { Json } from '../json.js';
import { placeOf } from '../location.js';
import { type Expr, exprOf, type Input, type Ref, ref } from '../values.js';
import { appOf } from './app.js';
import { type Attribute, inferType, type VariableType } from './variable-type.js';

export type VariableValue = string | number | boolean | null | readonly VariableValue[] | { readonly [key: string]: VariableValue | undefined };
type Widened<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : T;

/** A condition that a value must meet. */
export interface VariableRule<T> {
  readonly condition: (value: T) => boolean;
  /** Shown when it does not hold: what a good value is. */
  readonly message: string;
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
    this.$expr = { op: 'variable', name: id };
    this.type = props.type ?? inferType(props.default as Json | undefined);
  }

  /**
   * The value, while the program runs: for an `if` or a loop. Marks the variable as structural.
   * Throws where no value was given, or a wrong one.
   */
  get value(): Widened<T> {
    this.structural = true;
    const found = variableLookup.read(this as unknown as Variable);
    if ('problem' in found) throw new Error(`variable '${this.node.id}': ${found.problem}`);
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
    this.$secret = `var:${id}`;
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
    this.$expr = { op: 'local', name: id };
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

export type Lookup = { readonly value: Json; readonly from: string } | { readonly problem: string; readonly remedy: string };
/** How a variable finds its value: set by program.ts, which knows the command line, files and the environment. Here: the App's, else the default. */
export const variableLookup: { read: (variable: Variable) => Lookup } = {
  read: variable => {
    const given = appOf(variable)?.variables[variable.node.id];
    if (given !== undefined) return { value: given as Json, from: 'new App({ variables })' };
    if (variable.props.default !== undefined) return { value: variable.props.default as Json, from: 'its default' };
    return { problem: 'no value was given', remedy: `Give one: --var ${variable.node.id}=…, or BAKE_VAR_${variable.node.id}, or a default.` };
  },
};

export type { Attribute };
