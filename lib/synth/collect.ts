/** The first look at a program: what is in its construct tree. */
import { dirname } from 'node:path';
import type { Construct } from 'constructs';
import type { App } from '../constructs/app.js';
import type { DataSource } from '../constructs/component.js';
import { type ImageBuild, isImageBuild } from '../constructs/image-build.js';
import type { Local, SecretVariable, Variable } from '../constructs/variable.js';
import { byCodeUnit } from '../json.js';
import { userLocation } from '../location.js';

export interface Program {
  readonly app: App;
  /** The folder that relative paths are relative to: that of the file that made the App. */
  readonly folder: string;
  /** By path, sorted, so that the order of statements makes no difference. */
  readonly builds: readonly ImageBuild[];
  readonly variables: ReadonlyMap<string, Variable>;
  readonly secretVariables: ReadonlyMap<string, SecretVariable>;
  readonly locals: ReadonlyMap<string, Local>;
  readonly data: readonly DataSource[];
  /** Two things of one name, where names are global. */
  readonly duplicates: readonly { readonly what: string; readonly name: string; readonly at: Error }[];
}

export function collect(app: App, folder = programFolder(app)): Program {
  const builds: ImageBuild[] = [], data: DataSource[] = [];
  const variables = new Map<string, Variable>(), secretVariables = new Map<string, SecretVariable>(), locals = new Map<string, Local>();
  const duplicates: { what: string; name: string; at: Error }[] = [];
  const inputs = new Set<string>();
  for (const construct of app.node.findAll()) {
    const id = construct.node.id;
    if (isImageBuild(construct)) builds.push(construct);
    else if ('$dataSource' in construct) data.push(construct as unknown as DataSource);
    else if (has(construct, '$variable') || has(construct, '$secretVariable')) {
      if (inputs.has(id)) duplicates.push({ what: 'variables', name: id, at: (construct as unknown as Variable).at });
      inputs.add(id);
      if (has(construct, '$variable')) variables.set(id, construct as unknown as Variable);
      else secretVariables.set(id, construct as unknown as SecretVariable);
    } else if (has(construct, '$local')) {
      if (locals.has(id)) duplicates.push({ what: 'locals', name: id, at: (construct as unknown as Local).at });
      locals.set(id, construct as unknown as Local);
    }
  }
  const byPath = (a: Construct, b: Construct): number => byCodeUnit(a.node.path, b.node.path);
  return { app, folder, builds: builds.sort(byPath), data: data.sort(byPath), variables, secretVariables, locals, duplicates };
}

const has = (construct: object, brand: string): boolean => brand in construct;

export function programFolder(app: App): string {
  const location = userLocation(app.at);
  return location === undefined ? process.cwd() : dirname(location.file);
}
