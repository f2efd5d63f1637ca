/** Finds UEFI firmware by the descriptions that QEMU's packages install, and never takes a BIOS instead. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errors } from '../../../errors.js';
import { isObject } from '../../../json.js';
import { comma } from './command-line.js';

const fail = errors('FIRMWARE', {
  OTHER_MACHINE: {
    message: (what: string, architecture: string, machine: string, others: string) => `There is no ${what} for ${architecture} machines of type ${machine}, only for ${others}.`,
    remedy: (_what: string, architecture: string) => `Leave machineType out${architecture === 'x86_64' ? ", or set it to 'q35'" : ''}.`,
  },
  NONE: {
    message: (what: string, architecture: string, machine: string) => `There is no ${what} for ${architecture} machines of type ${machine} here.`,
    remedy: (_what: string, architecture: string) => `Install it: apt-get install ${architecture === 'aarch64' ? 'qemu-efi-aarch64' : 'ovmf'} (Debian, Ubuntu), or name the files (efi.firmwareCode, efi.firmwareVars).`,
    explain: 'Firmware is found by the descriptions in /usr/share/qemu/firmware, /etc/qemu/firmware and the user\'s own configuration. A machine that is to boot by UEFI is never booted by a BIOS instead.',
  },
});

export interface Firmware {
  readonly code: string;
  /** The template of the variables; a machine writes to its own copy. */
  readonly vars: string | undefined;
  readonly secure: boolean;
}
interface Descriptor {
  readonly 'interface-types'?: readonly string[];
  readonly mapping?: { readonly device?: string; readonly executable?: { readonly filename: string; readonly format: string }; readonly 'nvram-template'?: { readonly filename: string; readonly format: string } };
  readonly targets?: readonly { readonly architecture: string; readonly machines: readonly string[] }[];
  readonly features?: readonly string[];
}

const folders = (): readonly string[] => [
  join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'qemu/firmware'), '/etc/qemu/firmware', '/usr/share/qemu/firmware',
];

/** The first that fits, in the order of the file names. `machine` with its version. Throws FIRMWARE_NONE. */
export async function findFirmware(architecture: string, machine: string, secure: boolean): Promise<Firmware> {
  const others = new Set<string>();
  for (const { mapping, targets = [], features = [], 'interface-types': types = [] } of await descriptors()) {
    const code = mapping?.executable, vars = mapping?.['nvram-template'];
    if (!types.includes('uefi') || mapping?.device !== 'flash' || code?.format !== 'raw' || (vars !== undefined && vars.format !== 'raw')) continue;
    // Names say nothing, and the lowest number is a secure one: what was not asked for is refused.
    if (secure ? !(features.includes('secure-boot') && features.includes('enrolled-keys')) : features.includes('secure-boot') || features.includes('requires-smm')) continue;
    if (!await isFile(code.filename) || (vars !== undefined && !await isFile(vars.filename))) continue;
    const machines = targets.filter(t => t.architecture === architecture).flatMap(t => t.machines);
    if (!machines.some(glob => fits(machine, glob))) { for (const name of machines) others.add(name); continue; }
    return { code: code.filename, vars: vars?.filename, secure };
  }
  const what = secure ? 'UEFI firmware with secure boot and enrolled keys' : 'UEFI firmware';
  throw others.size > 0 ? fail.OTHER_MACHINE(what, architecture, machine, [...others].join(', ')) : fail.NONE(what, architecture, machine);
}

/** QEMU's arguments for it; `vars`: the machine's own copy. */
export function flashArguments(code: string, vars: string | undefined): readonly string[] {
  return [
    `if=pflash,unit=0,format=raw,readonly=on,file=${comma(code)}`,
    ...(vars === undefined ? [] : [`if=pflash,unit=1,format=raw,file=${comma(vars)}`]),
  ];
}

/** A file in an earlier folder takes the place of one of the same name; an empty one takes it away. */
async function descriptors(): Promise<readonly Descriptor[]> {
  const byName = new Map<string, string>();
  for (const folder of folders()) for (const name of await readdir(folder).catch(() => [] as string[])) if (name.endsWith('.json') && !byName.has(name)) byName.set(name, join(folder, name));
  const found: Descriptor[] = [];
  for (const name of [...byName.keys()].sort()) {
    try {
      const value = JSON.parse(await readFile(byName.get(name)!, 'utf8')) as unknown;
      if (isObject(value)) found.push(value as Descriptor);
    } catch { /* empty, or not ours to judge */ }
  }
  return found;
}

const fits = (text: string, glob: string): boolean => new RegExp(`^${glob.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(text);
const isFile = (path: string): Promise<boolean> => stat(path).then(s => s.isFile(), () => false);
