/** The command line, from the tables of its commands. */
import type { Options } from 'yargs';
import { globalFlags } from '../../bin/command.js';
import { commands } from '../../bin/commands.js';
import { code, table } from './sources.js';

export async function apiCommands(): Promise<string> {
  const rows = (flags: { readonly [name: string]: Options }): string[][] => Object.entries(flags).filter(([, f]) => f.hidden !== true).map(([name, f]) => [
    `${typeof f.alias === 'string' ? `\`-${f.alias}\`, ` : ''}${code(`--${name}`)}`, f.choices === undefined ? f.array === true ? 'list' : String(f.type ?? '') : f.choices.map(c => code(String(c))).join(', '),
    f.default === undefined || f.default === false ? '' : code(String(f.default)), f.describe ?? '',
  ]);
  const each = commands.map(c => {
    const positionals = Object.entries(c.positionals ?? {}).map(([name, p]) => `* \`${name}\`: ${p.describe ?? ''}`).join('\n');
    const examples = (c.examples ?? []).map(([line, about]) => `${line.replace('$0', 'bake')}    # ${about}`).join('\n');
    return `### bake ${c.usage}\n\n${c.about}.\n${positionals === '' ? '' : `\n${positionals}\n`}${examples === '' ? '' : `\n\`\`\`sh\n${examples}\n\`\`\`\n`}${Object.keys(c.flags).length === 0 ? '' : `\n${table(['Flag', 'Type', 'Default', 'What it does'], rows(c.flags))}`}`;
  });
  return `${each.join('\n')}\n### Flags of every command\n\n${table(['Flag', 'Type', 'Default', 'What it does'], rows(globalFlags))}`;
}
