/** The runtime knows where a component was written; the source says where in it the field stands. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Problem } from '../lib/problems.js';
import { locateProp } from '../lib/synth/locate.js';

/** Problems with the place of the field, where the source is here and says it. */
export function refine(problems: readonly Problem[], folder: string): Problem[] {
  return problems.map(problem => {
    const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(problem.at ?? '') ?? [];
    if (file === undefined || problem.field === undefined) return problem;
    try {
      const place = locateProp(readFileSync(resolve(folder, file), 'utf8'), Number(line), Number(column), problem.field);
      return place === undefined ? problem : { ...problem, at: `${file}:${place.line}:${place.column}` };
    } catch {
      return problem;
    }
  });
}
