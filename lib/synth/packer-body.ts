/** What the two printers print: a program in Packer's shapes, with expressions still symbolic. Neither knows a construct or a kind. */
import type { Json } from '../json.js';
import type { Expr, Ref, Secret, SecretText } from '../values.js';

/** Plain JSON with Refs and Secrets in it. Strings are Packer's text: what stands in `{{ }}` is meant for Packer. */
export type BodyValue = string | number | boolean | null | Ref<unknown> | Secret | SecretText | readonly BodyValue[] | { readonly [key: string]: BodyValue };

/** The inside of a block: attributes first, nested blocks after them, each in the order of the component's table. */
export interface Body {
  readonly attributes: readonly (readonly [option: string, value: BodyValue])[];
  readonly blocks: readonly Block[];
}
/** A block, or several of one name (`list`). */
export interface Block { readonly name: string; readonly bodies: readonly Body[]; readonly list: boolean }

export interface Template {
  readonly plugins: readonly { readonly name: string; readonly source: string; readonly version?: string }[];
  readonly variables: readonly TemplateVariable[];
  readonly locals: readonly { readonly name: string; readonly value: Expr }[];
  readonly data: readonly TemplateBlock[];
  readonly builds: readonly TemplateBuild[];
}
export interface TemplateVariable {
  readonly name: string;
  /** HCL's type expression: `list(string)`. Left out: Packer infers it from the default. */
  readonly type?: string;
  readonly default?: Json;
  /** Taken from this environment variable. */
  readonly env?: string;
  readonly description?: string;
  readonly sensitive?: boolean;
  readonly validation: readonly { readonly condition: string; readonly message: string }[];
}
/** A component: its place in the construct tree stands above it as a comment. */
export interface TemplateBlock { readonly type: string; readonly label: string; readonly path: string; readonly at?: Error; readonly body: Body }
export interface TemplateBuild {
  /** The build's name, an identifier. */
  readonly name: string;
  readonly path: string;
  readonly description?: string;
  readonly sources: readonly TemplateSource[];
  readonly provisioners: readonly TemplateStep[];
  readonly errorCleanup: readonly TemplateStep[];
  readonly postProcessors: readonly (readonly TemplatePostProcessor[])[];
}
export interface TemplateSource extends TemplateBlock {
  /** Name of the source in its build: what only and except mention, and the builder's name in JSON. */
  readonly name: string;
}
interface TemplateUse {
  readonly type: string; readonly path: string; readonly at?: Error; readonly body: Body;
  /** Names of sources. */
  readonly only?: readonly string[]; readonly except?: readonly string[];
}
export interface TemplateStep extends TemplateUse {
  /** Whole bodies for single sources, by their names. */
  readonly overrides: readonly { readonly source: string; readonly body: Body; /** Only what differs. */ readonly differs: Body }[];
  readonly pauseBefore?: string; readonly timeout?: string; readonly maxRetries?: number;
}
export interface TemplatePostProcessor extends TemplateUse { readonly keepInputArtifact?: boolean }

/** Where an expression stands: what is known there differs. */
export type Place = 'source' | 'step' | 'local' | 'data';

/** What the names in expressions are called in the template. */
export interface Names {
  variable(name: string): string;
  local(name: string): string;
  /** An output of a data source; a variable where Packer has no such data source. */
  data(path: string, output: string): DataName;
  /** A path of the program, as the template finds it. */
  path(path: string): Expr;
  /** The variable that stands for a secret. */
  secret(secret: string): string;
  /** The variable that stands for an output of another target. */
  output(target: string, output: string): string;
  /** Whether a variable holds plain text, a number or a boolean: then JSON can say it. */
  isScalar(variable: string): boolean;
  /** The expression that a local stands for. */
  definition(local: string): Expr | undefined;
  /** The value, where all of it is known. */
  value(expr: Expr): Json | undefined;
}

export type DataName = { readonly type: string; readonly label: string; readonly output: string } | { readonly variable: string };

/** What a printer could not say. */
export type Report = (problem: { readonly code: string; readonly path: string; readonly field?: string; readonly message: string; readonly remedy?: string; readonly severity?: 'error' | 'warning' | 'info'; readonly at?: Error | undefined }) => void;

