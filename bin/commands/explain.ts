import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { catalogue, errors, exitCodes } from '../../lib/errors.js';
import { explain, type Explanation, problemCatalogue } from '../../lib/problem-catalogue.js';
import { suggest } from '../../lib/suggest.js';
import { command } from '../command.js';
import type { Session } from '../session.js';

const fail = errors('EXPLAIN', {
  UNKNOWN: {
    message: (code: string, _near: string | undefined) => `There is no code '${code}'.`,
    remedy: (_code: string, near: string | undefined) => (near === undefined ? 'bake explain lists all of them.' : `Did you mean ${near}?`), exit: exitCodes.usage,
  },
});

/** `bake explain` */
export default command({
  usage: 'explain [code]', about: 'Tell what a code means, and what to do',
  positionals: { code: { type: 'string', describe: 'A code such as UNKNOWN_PROP; without one, all are listed' } },
  flags: { json: { type: 'boolean', default: false, describe: 'As JSON' } },
  async run({ code, json }, session) {
    await loadErrorTables();
    const codes = [...Object.keys(problemCatalogue), ...[...catalogue.keys()].sort()];
    if (code === undefined) {
      const all = codes.map(c => explain(c)!);
      if (json) session.json(all);
      else session.print(all.map(e => `${session.out.bold(e.code)}\n  ${e.what.replaceAll('\n', '\n  ')}`).join('\n'));
      return exitCodes.done;
    }
    const wanted = code.toUpperCase().replaceAll('-', '_'), found = explain(wanted);
    if (found === undefined) throw fail.UNKNOWN(code, suggest(wanted, codes));
    if (json) session.json(found);
    else session.print(page(found, session));
    return exitCodes.done;
  },
});

function page({ code, what, why, remedy, wrong, right }: Explanation, { out }: Session): string {
  const lines = [out.bold(code), '', ...indented(what)];
  if (why !== undefined && why !== what) lines.push('', ...indented(why));
  if (remedy !== undefined) lines.push('', ...indented(remedy).map(out.cyan));
  if (wrong !== undefined) lines.push('', `  ${out.red('wrong')}  ${wrong}`, `  ${out.green('right')}  ${right}`);
  return lines.join('\n');
}

const indented = (text: string): string[] => text.split('\n').map(line => `  ${line}`);

/** Error tables stand in the files that raise them; those files are loaded here, so that none has to be listed anywhere. */
async function loadErrorTables(): Promise<void> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  await Promise.all(['lib', 'bin'].flatMap(folder => [...filesIn(join(root, folder))]).map(async file => {
    if (/\.[jt]s$/.test(file) && !/\.d\.ts$|main\.[jt]s$/.test(file) && /\berrors\('[A-Z]/.test(readFileSync(file, 'utf8'))) await import(pathToFileURL(file).href);
  }));
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* filesIn(join(folder, entry.name));
    else yield join(folder, entry.name);
  }
}
