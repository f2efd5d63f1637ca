/**
 * Options of Packer that a component of ours does not have, and why; beside the lists that the components' own files have (`…Without`).
 * `*` stands for any letters: what is under such a name and becomes a field needs no change here.
 */
const winrm = { 'winrm_*': 'Guests are reached by SSH; Windows guests too, with its OpenSSH server.' };
const oldTag = 'The map of tags says the same, with less to write.';

export const withoutOption: { readonly [kind: string]: { readonly [option: string]: string } } = {
  'source/docker': { 'ssh_*': 'Containers are reached through the engine.', 'temporary_key_pair_*': 'Containers are reached through the engine.', 'winrm_*': 'Containers are reached through the engine.' },
  'source/null': winrm,
  'source/qemu': {
    ...winrm, disk_image: 'diskImage says it: what it names is a disk, not an installer.', 'qmp_*': 'The run speaks QMP itself, over a socket of its own.', '*host_port_*': 'Ports are asked of the kernel.',
    skip_compaction: 'diskCompression says it.', skip_resize_disk: 'A disk is resized only where diskSize is given.', run_once: 'It is for installers that reboot by themselves; those are noticed here.',
  },
  'source/amazon-ebs': { ...winrm, '*tag': oldTag, communicator: 'Guests are reached by SSH.' },
  'source/amazon-ebssurrogate': { ...winrm, '*tag': oldTag, communicator: 'Guests are reached by SSH.' },
  'source/amazon-ebsvolume': { ...winrm, '*tag': oldTag, communicator: 'Guests are reached by SSH.' },
};
