/**
 * Options of Packer that a component of ours does not have, and why; beside the lists that the components' own files have (`…Without`).
 * `*` stands for any letters: what is under such a name and becomes a field needs no change here.
 */
const oldTag = 'The map of tags says the same, with less to write.';

export const withoutOption: { readonly [kind: string]: { readonly [option: string]: string } } = {
  'source/docker': { 'ssh_*': 'Containers are reached through the engine.', 'temporary_key_pair_*': 'Containers are reached through the engine.', 'winrm_*': 'Containers are reached through the engine.' },
  'source/qemu': {
    disk_image: 'diskImage says it: what it names is a disk, not an installer.', skip_resize_disk: 'A disk is resized only where diskSize is given.',
    host_port_min: 'Ports of the loopback are asked of the kernel: two builds never want the same.', host_port_max: 'As host_port_min.', 'ssh_host_port_*': 'Old names of host_port_min and host_port_max.',
    qmp_enable: 'QMP is always on.', qmp_socket_path: 'The run speaks QMP itself, over a private socket that takes one client.',
    run_once: 'Packer itself does nothing with it.', skip_compaction: 'The image is written once, at the end, in any case.',
  },
  'source/amazon-ebs': { '*tag': oldTag, communicator: 'Whether ssh or winrm is given says it.' },
  'source/amazon-ebssurrogate': { '*tag': oldTag, communicator: 'Whether ssh or winrm is given says it.' },
  'source/amazon-ebsvolume': { '*tag': oldTag, communicator: 'Whether ssh or winrm is given says it.' },
};
