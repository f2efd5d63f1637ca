/** The root of a program: builds, variables and policies live below it. */
import { Construct } from 'constructs';
import { placeOf } from '../location.js';
import { acknowledge } from './acknowledge.js';
import type { Policy } from './policy.js';

export interface AppProps {
  /** Values of variables, by id; they win over the command line, variable files and the environment. */
  readonly variables?: { readonly [name: string]: unknown };
}

export class App extends Construct {
  readonly $app = true;
  readonly variables: { readonly [name: string]: unknown };
  readonly policies: Policy[] = [];
  readonly at: Error;

  constructor(props: AppProps = {}) {
    super(undefined as never, '');
    this.at = placeOf(new.target);
    this.variables = props.variables ?? {};
    announced().push(this);
  }

  /** Adds rules that every build of the program is held to. */
  addPolicy(...policies: readonly Policy[]): this {
    this.policies.push(...policies);
    return this;
  }

  /** Accepts the findings of a policy in the whole program, for a reason that stands in the plan. */
  acknowledge(policy: string, reason: string): this {
    acknowledge(this, policy, reason);
    return this;
  }

  /**
   * Runs the command line on this program (no command: `build`) when the module is the one that Node was started with, and sets the
   * exit code. Does nothing when the module is imported by `bake`, by a test, or by another program.
   */
  async run(meta: ImportMeta): Promise<void> {
    if (appRunner.run === undefined) throw new Error(`App.run needs the command line: import App from 'imagebake', not from a file inside of it.`);
    await appRunner.run(this, meta);
  }
}

/** What App.run calls: set by index.ts, so that constructs know nothing of the command line. */
export const appRunner: { run?: (app: App, meta: ImportMeta) => Promise<void> } = {};

/** Every App made in this process, in order, whichever copy of the package made it: how `bake` finds the program's. */
export function announced(): App[] {
  const key = Symbol.for('imagebake.apps');
  const holder = globalThis as unknown as { [key: symbol]: App[] | undefined };
  return (holder[key] ??= []);
}

export function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && '$app' in value;
}

/** The App that a construct belongs to, or undefined where its root is something else. */
export function appOf(construct: Construct): App | undefined {
  const root = construct.node.root;
  return isApp(root) ? root : undefined;
}
