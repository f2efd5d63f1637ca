/** What drivers are given beside their props, made for one target; and their props, resolved. */
import { existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyKind } from '../kinds.js';
import { makeFolderSync } from '../make-folder.js';
import type { PlannedComponent, Target } from '../plan.js';
import type { Context, Machine } from './driver.js';
import type { AnyDriver } from './registry.js';
import { resolveProps } from './resolve.js';
import { fileNameOf, lookupsOf, type RunState } from './run-state.js';
import type { RunScope } from './run-scope.js';
import type { Scope } from './scope.js';
import { makeOutputLines } from './stream.js';

/** A planned component, ready to run. */
export interface Ready { readonly kind: AnyKind; readonly driver: AnyDriver; readonly props: never }

export class TargetContext {
  machine: Machine | undefined;
  /** The key of the artifact, while it is made. */
  key: string | undefined;
  readonly temporary: string;
  readonly folder: string;
  constructor(readonly run: RunState, readonly target: Target, index: number) {
    this.temporary = join(run.folders.temporary, String(index));
    this.folder = join(run.folders.run, fileNameOf(target.path));
  }

  /** `later`: what can only be known later is left out; `host`: only what the running machine knows is. */
  async ready(planned: PlannedComponent, missing: 'throw' | 'later' | 'host' = 'throw'): Promise<Ready> {
    const { run } = this;
    const [kind, driver] = await Promise.all([run.registry.kind(planned.kind), run.registry.driver(planned.kind)]);
    const props = resolveProps(kind.fields, planned.props, {
      lookups: lookupsOf(run, name => this.hostValue(name)), files: run.plan.files, filesFolder: run.folders.files, programFolder: run.folders.program, missing,
      image: path => run.images.get(path), linkFolder: () => join(this.temporaryFolder(), 'named'),
    });
    return { kind, driver, props: props as never };
  }

  /** Runs work with a context for one component; what its command printed is complete when it ends. */
  async with<T>(path: string, scope: Scope, work: (ctx: Context) => Promise<T>): Promise<T> {
    const { ctx, end } = this.make(path, scope);
    try { return await work(ctx); } finally { end(); }
  }

  /** Removes the temporary folder when the target's scope ends, unless the machine stays. */
  cleanUpIn(scope: RunScope): void {
    // Nothing is said of it where nothing was made: most targets never have one.
    scope.last(async ending => { if (ending.outcome !== 'kept' && existsSync(this.temporary)) await rm(this.temporary, { recursive: true, force: true }); });
  }

  make(path: string, scope: Scope): { readonly ctx: Context; readonly end: () => void } {
    const { run, target } = this, self = this;
    const lines = makeOutputLines(run.redactor, (stream, text) => run.stream.emitClean(scope.path, { type: 'output', stream, text }));
    const ctx: Context = {
      scope, signal: scope.signal, target: target.path, path,
      build: { name: target.build, sourceName: target.name, sourceType: target.source.kind.slice(target.source.kind.indexOf('/') + 1) },
      run: { id: run.id, uuid: run.uuid, get folder() { makeFolderSync(self.folder, 0o700); return self.folder; } },
      get temporaryFolder() { return self.temporaryFolder(); },
      programFolder: run.folders.program, force: run.force, onFailure: run.onFailure, journal: run.journal.of(target.path), environment: run.environment,
      get key() { return self.key; },
      get hostValues() { return self.machine?.hostValues ?? {}; },
      ask: async question => (run.ask ? run.ask(question, scope.signal) : question.default),
      note: (message, options) => scope.emit({ type: 'note', message, ...(options?.detail ? { detail: true } : {}) }),
      warn: (message, code) => scope.emit({ type: 'warning', message, ...(code === undefined ? {} : { code }) }),
      output: (stream, chunk) => lines.push(stream, chunk),
      progress: (what, done, total, unit) => scope.emit({ type: 'progress', what, done, unit, ...(total === undefined ? {} : { total }) }),
      secret: value => { run.redactor.add(value); },
      fill: (text, values) => text.replace(/\{\{-?\s*\.([A-Za-z]\w*)\s*-?\}\}/g, (whole, name: string) => values[name] ?? whole),
    };
    return { ctx, end: () => lines.end() };
  }

  temporaryFolder(): string {
    if (!existsSync(this.temporary)) {
      if (!existsSync(this.run.folders.temporary)) mkdirSync(this.run.folders.temporary, { mode: 0o700 });
      mkdirSync(this.temporary, { mode: 0o700 });
    }
    return this.temporary;
  }

  hostValue(name: string): string | undefined {
    const { target } = this;
    switch (name) {
      case 'sourceName': return target.name;
      case 'sourceType': return target.source.kind.slice(target.source.kind.indexOf('/') + 1);
      case 'buildName': return target.build;
      default: return this.machine?.hostValues?.[name];
    }
  }
}
