/** How Packer's option names become the names of props. */

/** `iso_url` -> `isoUrl`, `CPU_hot_plug` -> `cpuHotPlug`, `NestedHV` -> `nestedHv`. */
export function propName(option: string): string {
  if (Object.hasOwn(irregular, option)) return irregular[option]!;
  return option.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
}

/** `isoUrl` -> `iso_url`: what a prop's option is where nothing else is said. */
export function optionName(prop: string): string {
  let name = optionNames.get(prop);
  if (name === undefined) optionNames.set(prop, name = prop.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`));
  return name;
}
const optionNames = new Map<string, string>();

/** Names that would not come back from snake case to what Packer wrote. */
const irregular: { readonly [option: string]: string } = {
  Version: 'version', Statement: 'statement', Action: 'action', Effect: 'effect', Resource: 'resource',
  CPUs: 'cpus', CPU_limit: 'cpuLimit', CPU_reservation: 'cpuReservation', CPU_hot_plug: 'cpuHotPlug',
  RAM: 'ram', RAM_reservation: 'ramReservation', RAM_reserve_all: 'ramReserveAll', RAM_hot_plug: 'ramHotPlug',
  NestedHV: 'nestedHv', vTPM: 'vtpm', kmsKeyName: 'kmsKeyName', rawKey: 'rawKey',
};

const roleWords: { readonly [role: string]: string } = { source: 'Source', builder: 'Source', provisioner: 'Provisioner', 'post-processor': 'PostProcessor', data: 'Data' };
const pascal = (name: string): string => name.split(/[-_]/).map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');

/** The class of a component in imagebake/packer: (`source`, `amazon-ebs`) -> `PackerAmazonEbsSource`. */
export function packerClassName(role: string, type: string): string {
  return `Packer${pascal(type)}${roleWords[role] ?? pascal(role)}`;
}
/** The interface of a block's options: (`amazon`, `assume_role`) -> `PackerAmazonAssumeRole`. */
export function packerBlockName(owner: string, option: string): string {
  return `Packer${pascal(owner)}${pascal(propName(option))}`;
}
