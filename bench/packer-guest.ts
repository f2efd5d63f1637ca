/** The program that Packer gets where our guests are measured against its own: the same disk, memory and processor. */
import { packerProgram } from './packer-program.js';
import type { Workplace } from './workplace.js';

/** Our source's props that make a machine equal to Packer's, as source text. */
export const sameMachine = `accelerator: 'tcg', memory: { $size: ${1024 ** 3} }`;

/** A template of one build with one shell step for each list of commands; it writes into the folder `packer`. Packer 1.6.6 reads it, and so do newer ones with their qemu plugin. */
export function packerGuest(disk: string, rootPassword: string, steps: readonly (readonly string[])[]): string {
  return JSON.stringify({
    builders: [{
      type: 'qemu', iso_url: disk, iso_checksum: 'none', disk_image: true, format: 'qcow2', accelerator: 'tcg', headless: true, memory: 1024, cpus: 2, disk_interface: 'virtio', net_device: 'virtio-net', output_directory: 'packer',
      qemuargs: [['-cpu', 'max']], ssh_username: 'root', ssh_password: rootPassword, ssh_timeout: '15m', shutdown_command: 'systemctl poweroff', boot_command: [],
    }],
    provisioners: steps.map(inline => ({ type: 'shell', inline })),
  });
}

/** Runs Packer on the template `five.json` in the folder; seconds. */
export async function runPacker(place: Workplace, ...more: readonly string[]): Promise<number> {
  return (await place.run(packerProgram, ['build', ...more, 'five.json'], { env: { PACKER_CACHE_DIR: `${place.folder}/packer-cache` } })).milliseconds / 1000;
}
