/**
 * QEMU's command line. Every device has a fixed place and name, the machine type its version, the memory block its name: a memory state that was saved
 * by one machine loads into another only where all that is equal. So the arguments come in two parts: `machine`, what the guest sees, and `host`, where things lie on this computer.
 */

/** A file of a disk. */
export interface Layer { readonly path: string; readonly format: string }
export interface DiskSpec {
  /** The file that is written to, a qcow2; it holds only what differs from the layers under it. */
  readonly top: string;
  /** Bottom first. Never written to. */
  readonly under: readonly Layer[];
  /** `virtio`, `virtio-scsi` (also `scsi`), `ide`, `sata`, `nvme`. */
  readonly interface: string;
  readonly cache: string;
  readonly discard: string;
  readonly detectZeroes: string;
  readonly serial?: string | undefined;
}
export interface CdSpec { readonly path: string; readonly interface: string; readonly bootable: boolean }
export interface NetSpec {
  readonly device: string;
  /** A bridge of this computer instead of QEMU's own user networking. */
  readonly bridge?: string | undefined;
  readonly mac?: string | undefined;
  /** Ports in the guest that get a port on this computer's loopback, chosen by the kernel where `host` is 0. */
  readonly forwards: readonly { readonly guest: number; readonly host: number }[];
}

export interface MachineSpec {
  readonly binary: string;
  readonly architecture: string;
  /** With its version: `pc-i440fx-7.2`. */
  readonly machine: string;
  readonly machineOptions: readonly string[];
  readonly accelerator: string;
  readonly cpu: string;
  readonly smp: string;
  /** Bytes. */
  readonly memory: number;
  /** The file that holds it; shared: what the guest writes goes into the file, else the file stays as it is. */
  readonly memoryFrom: { readonly path: string; readonly share: boolean };
  readonly disks: readonly [DiskSpec, ...DiskSpec[]];
  readonly cds: readonly CdSpec[];
  readonly floppy?: string | undefined;
  readonly net: NetSpec;
  /** `none` for no display adapter, else a device as QEMU names it. */
  readonly vga: string;
  /** `none`, `gtk`, `sdl` …; nothing: what QEMU chooses. */
  readonly display: string | undefined;
  readonly vnc?: string | undefined;
  readonly objects: readonly string[];
  readonly usb: boolean;
  /** Flash chips, as `-drive` takes them. */
  readonly firmware: readonly string[];
  readonly globals: readonly string[];
  readonly bios: string | undefined;
  readonly tpm?: { readonly device: string; readonly version1: boolean; readonly socket: string } | undefined;
  readonly kernel?: { readonly kernel: string; readonly initrd?: string | undefined; readonly append?: string | undefined } | undefined;
  /** Files shown to the guest as firmware configuration: name -> path. */
  readonly firmwareConfig: { readonly [name: string]: string };
  /** Files with a string each that the guest finds in its SMBIOS tables (type 11). */
  readonly smbiosStrings: readonly string[];
  /** Short path of the folder with the sockets. */
  readonly folder: string;
  readonly serialLog: string;
  /** Unique on this computer: how a process is found again. */
  readonly marker: string;
  readonly incoming: boolean;
  readonly noReboot: boolean;
  readonly extra: readonly (readonly string[])[];
  /** Arguments in `extra` replace ours of the same name. */
  readonly extraReplace: boolean;
}

type Arguments = readonly (readonly [flag: string, value?: string])[];

export const sockets = { qmp: 'qmp.sock', agent: 'qga.sock' } as const;

/** The whole command line, without the binary. */
export function commandLine(spec: MachineSpec): string[] {
  const ours = [...hostArguments(spec), ...machineArguments(spec)];
  const replaced = new Set(spec.extraReplace ? spec.extra.map(e => e[0]) : []);
  return [...ours.filter(([flag]) => !replaced.has(flag)), ...spec.extra].flatMap(([flag, value]) => value === undefined || value === '' ? [flag!] : [flag!, value]);
}

/** A short command line with which people boot an image with the firmware that it was made with; the image is left as it is, the variables are written to. */
export function bootWords(spec: MachineSpec, image: string, format: string, vars: string): string[] {
  const [code] = spec.firmware, drive = `if=none,id=disk0,format=${format},snapshot=on,file=${comma(image)}`;
  const device = ({ ide: 'ide-hd', sata: 'ide-hd', scsi: 'scsi-hd', 'virtio-scsi': 'scsi-hd', nvme: 'nvme,serial=disk0' } as { readonly [name: string]: string })[spec.disks[0].interface] ?? 'virtio-blk-pci';
  return [
    '-machine', [spec.machine, ...spec.machineOptions].join(','), '-accel', spec.accelerator, '-cpu', spec.cpu, '-smp', spec.smp, '-m', `${spec.memory / 1024 ** 2}M`,
    ...spec.globals.flatMap(property => ['-global', property]), ...(code === undefined ? [] : ['-drive', code]), '-drive', `if=pflash,unit=1,format=raw,file=${comma(vars)}`,
    ...(device === 'scsi-hd' ? ['-device', 'virtio-scsi-pci'] : []), '-drive', drive, '-device', `${device},drive=disk0`,
  ];
}

/** What the guest sees of the machine: must be equal, argument for argument, for a saved memory state to load. */
export function machineArguments(spec: MachineSpec): Arguments {
  const { disks, cds, net } = spec;
  const scsi = [...disks, ...cds].some(d => d.interface === 'virtio-scsi' || d.interface === 'scsi');
  const ahci = !spec.machine.includes('q35') && [...disks, ...cds].some(d => d.interface === 'sata');
  return [
    ['-machine', [spec.machine, 'memory-backend=pc.ram', ...spec.machineOptions].join(',')],
    ['-cpu', spec.cpu],
    ['-smp', spec.smp],
    ['-m', `${spec.memory / 1024 ** 2}M`],
    ['-nodefaults'],
    ...(spec.vga === 'none' ? [] : [['-device', `${spec.vga},id=video0,addr=0x2`] as const]),
    ['-device', `${net.device},id=nic0,netdev=net0,addr=0x4${net.mac === undefined ? '' : `,mac=${net.mac}`}`],
    ['-device', 'virtio-serial-pci,id=vserial0,addr=0x6'],
    ['-device', 'virtserialport,bus=vserial0.0,chardev=agent0,name=org.qemu.guest_agent.0'],
    ['-device', 'virtio-rng-pci,id=random0,rng=rng0,addr=0x7'],
    ...(spec.usb ? [['-device', 'qemu-xhci,id=usb0,addr=0x8'] as const, ['-device', 'usb-kbd,bus=usb0.0'] as const, ['-device', 'usb-tablet,bus=usb0.0'] as const] : []),
    ...(scsi ? [['-device', 'virtio-scsi-pci,id=scsi0,addr=0x9'] as const] : []),
    ...(ahci ? [['-device', 'ich9-ahci,id=ahci0,addr=0xa'] as const] : []),
    ...diskDevices(spec),
    ...(spec.floppy === undefined ? [] : spec.machine.includes('q35') ? [['-device', 'isa-fdc,id=fdc0'] as const, ['-device', 'floppy,drive=floppy0'] as const] : [['-device', 'floppy,drive=floppy0'] as const]),
    ...(spec.tpm === undefined ? [] : [['-device', `${spec.tpm.device},tpmdev=tpm0`] as const]),
  ];
}

function diskDevices(spec: MachineSpec): Arguments {
  const isQ35 = spec.machine.includes('q35'), isPc = spec.architecture === 'x86_64' && !isQ35;
  let ide = 0, sata = 0, virtio = 0;
  const place = (kind: 'hd' | 'cd', name: string, interfaceName: string, more: string): readonly [string, string] => {
    const end = `drive=${name},id=${name}-device${more}`;
    switch (interfaceName) {
      // The first disk keeps the slot that checkpoints know; more come behind all other devices.
      case 'virtio': return ['-device', `virtio-blk-pci,addr=0x${(virtio++ === 0 && name === 'disk0' ? 5 : 0xf + virtio).toString(16)},${end}`];
      case 'nvme': return ['-device', `nvme,addr=0x${(0xf + ++virtio).toString(16)},serial=${name},${end.replace(`,id=${name}-device`, '')},id=${name}-device`];
      case 'scsi': case 'virtio-scsi': return ['-device', `scsi-${kind},bus=scsi0.0,${end}`];
      case 'sata': return ['-device', `ide-${kind},bus=${isQ35 ? 'ide' : 'ahci0'}.${sata++},${end}`];
      // Two buses of two places on a PC; q35 has six buses of one.
      default: { const at = ide++; return ['-device', isPc ? `ide-${kind},bus=ide.${at >> 1},unit=${at & 1},${end}` : `ide-${kind},bus=ide.${at},${end}`]; }
    }
  };
  let boot = 1;
  return [
    ...spec.disks.map((disk, i) => place('hd', `disk${i}`, disk.interface, `${i === 0 ? `,bootindex=${boot++}` : ''}${disk.serial === undefined ? '' : `,serial=${disk.serial}`}${writesThrough(disk.cache) ? ',write-cache=off' : ''}`)),
    ...spec.cds.map((cd, i) => place('cd', `cd${i}`, cd.interface, cd.bootable ? `,bootindex=${boot++}` : '')),
  ];
}
const writesThrough = (cache: string): boolean => cache === 'writethrough' || cache === 'directsync';

/** Where things lie on this computer: may differ from one start of a machine to the next. */
function hostArguments(spec: MachineSpec): Arguments {
  const at = (name: string): string => `${spec.folder}/${name}`;
  return [
    ['-name', `guest=${comma(spec.marker)},process=bake-qemu`],
    ['-accel', spec.accelerator === 'tcg' ? 'tcg,thread=multi' : spec.accelerator],
    ['-object', memory(spec)],
    ...spec.disks.flatMap((disk, i) => blockdev(disk, i)),
    ...spec.cds.map((cd, i) => ['-blockdev', JSON.stringify({ driver: 'raw', 'node-name': `cd${i}`, 'read-only': true, file: { driver: 'file', filename: cd.path, 'read-only': true } })] as const),
    ...(spec.floppy === undefined ? [] : [['-blockdev', JSON.stringify({ driver: 'raw', 'node-name': 'floppy0', 'read-only': true, file: { driver: 'file', filename: spec.floppy, 'read-only': true } })] as const]),
    ['-netdev', spec.net.bridge === undefined
      ? ['user,id=net0', ...spec.net.forwards.map(f => `hostfwd=tcp:127.0.0.1:${f.host}-:${f.guest}`)].join(',')
      : `bridge,id=net0,br=${spec.net.bridge}`],
    ['-chardev', `file,id=serial0,path=${comma(spec.serialLog)},append=on`],
    ['-serial', 'chardev:serial0'],
    ['-chardev', `socket,id=qmp0,path=${comma(at(sockets.qmp))},server=on,wait=off`],
    ['-mon', 'chardev=qmp0,mode=control'],
    ['-chardev', `socket,id=agent0,path=${comma(at(sockets.agent))},server=on,wait=off`],
    ['-object', 'rng-random,id=rng0,filename=/dev/urandom'],
    ...spec.objects.map(object => ['-object', object] as const),
    ...(spec.display === undefined ? [] : [['-display', spec.display] as const]),
    ...(spec.vnc === undefined ? [] : [['-vnc', spec.vnc] as const]),
    ...Object.entries(spec.firmwareConfig).map(([name, path]) => ['-fw_cfg', `name=${name},file=${comma(path)}`] as const),
    ...spec.smbiosStrings.map(path => ['-smbios', `type=11,path=${comma(path)}`] as const),
    ...spec.firmware.map(drive => ['-drive', drive] as const),
    ...spec.globals.map(property => ['-global', property] as const),
    ...(spec.bios === undefined ? [] : [['-bios', spec.bios] as const]),
    ...(spec.tpm === undefined ? [] : [['-chardev', `socket,id=tpmsocket0,path=${comma(spec.tpm.socket)}`] as const, ['-tpmdev', 'emulator,id=tpm0,chardev=tpmsocket0'] as const]),
    ...(spec.kernel === undefined ? [] : [['-kernel', spec.kernel.kernel] as const,
      ...(spec.kernel.initrd === undefined ? [] : [['-initrd', spec.kernel.initrd] as const]), ...(spec.kernel.append === undefined ? [] : [['-append', spec.kernel.append] as const])]),
    ...(spec.incoming ? [['-incoming', 'defer'] as const] : []),
    ...(spec.noReboot ? [['-no-reboot'] as const] : []),
    ['-no-user-config'],
  ];
}

/** In QEMU's option lists a comma in a value is written twice. */
export const comma = (value: string): string => value.replaceAll(',', ',,');

const memory = ({ memoryFrom, memory }: MachineSpec): string => `memory-backend-file,id=pc.ram,size=${memory},mem-path=${comma(memoryFrom.path)},share=${memoryFrom.share ? 'on' : 'off'}`;

/** The block node of a disk, as QMP's blockdev-add and `-blockdev` take it; `backing` as QEMU means it. The cache mode is about this computer only: `unsafe` never waits for the real disk. */
export function diskNode(disk: DiskSpec, name: string, backing: object | null): { readonly [key: string]: unknown } {
  const flags = { ...(disk.cache === 'unsafe' ? { 'no-flush': true } : {}), ...(disk.cache === 'none' || disk.cache === 'directsync' ? { direct: true } : {}) };
  // QEMU takes an empty list of flags for an option that it does not know.
  const cache = Object.keys(flags).length === 0 ? {} : { cache: flags };
  const discard = disk.discard === 'unmap' ? 'unmap' : 'ignore';
  return {
    driver: 'qcow2', 'node-name': name, discard, ...cache,
    ...(disk.detectZeroes === 'off' ? {} : { 'detect-zeroes': disk.detectZeroes === 'unmap' && discard !== 'unmap' ? 'on' : disk.detectZeroes }),
    file: { driver: 'file', filename: disk.top, discard, ...cache }, backing,
  };
}

/** The layers under a disk as one node: said in full, so that it does not matter what the files say of each other. Null: none. */
export function chainNode(layers: readonly Layer[]): object | null {
  return layers.reduce<object | null>((under, { path, format }, i) => ({
    driver: format, file: { driver: 'file', filename: path, locking: 'auto' },
    // The lowest may have a backing file of its own.
    ...(i === 0 ? {} : { backing: under }),
  }), null);
}

const blockdev = (disk: DiskSpec, index: number): Arguments => [['-blockdev', JSON.stringify(diskNode(disk, `disk${index}`, chainNode(disk.under)))]];
