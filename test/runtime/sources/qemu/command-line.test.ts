import { expect, test } from 'vitest';
import { commandLine, machineArguments, type MachineSpec } from '../../../../lib/runtime/sources/qemu/command-line.js';

const disk = (top: string) => ({ top, under: [], interface: 'virtio', cache: 'unsafe', discard: 'unmap', detectZeroes: 'unmap' });
const spec = (more: Partial<MachineSpec> = {}): MachineSpec => ({
  binary: 'qemu-system-x86_64', architecture: 'x86_64', machine: 'pc-i440fx-7.2', machineOptions: [], accelerator: 'tcg', cpu: 'max', smp: '2', memory: 1024 ** 3, memoryFrom: { path: '/m', share: true },
  disks: [disk('/disk.qcow2')], cds: [], net: { device: 'virtio-net-pci', forwards: [{ guest: 22, host: 0 }] }, vga: 'VGA', display: 'none', objects: [], usb: false, firmware: [], globals: [], bios: undefined,
  firmwareConfig: {}, smbiosStrings: [], folder: '/f', serialLog: '/s', marker: 'bake-1', incoming: false, noReboot: false, extra: [], extraReplace: false, ...more,
});
const valuesOf = (args: readonly string[], flag: string): string[] => args.flatMap((a, i) => (a === flag ? [args[i + 1]!] : []));
const line = (more: Partial<MachineSpec>) => commandLine(spec(more));

test('no two devices of a machine with everything are in one place', () => {
  for (const machine of ['pc-i440fx-7.2', 'pc-q35-7.2']) {
    const devices = machineArguments(spec({
      machine, usb: true, floppy: '/floppy', disks: [disk('/a'), { ...disk('/b'), interface: 'sata' }, { ...disk('/c'), interface: 'nvme' }, { ...disk('/d'), interface: 'scsi' }, disk('/e')],
      cds: [{ path: '/cd', interface: 'ide', bootable: true }, { path: '/cd2', interface: 'virtio-scsi', bootable: false }],
    })).filter(([flag]) => flag === '-device').map(([, value]) => value!);
    const places = devices.flatMap(d => /addr=(0x[0-9a-f]+)/.exec(d)?.[1] ?? []), ids = devices.flatMap(d => /(?:^|,)id=([^,]+)/.exec(d)?.[1] ?? []);
    expect(places, devices.join('\n')).toEqual([...new Set(places)]);
    expect(ids).toEqual([...new Set(ids)]);
  }
});

test('arguments of the user come after ours; where they shall replace, ours of the same flag go', () => {
  const extra = [['-m', '2048'], ['-device', 'usb-tablet']] as const;
  expect(valuesOf(line({ extra }), '-m')).toEqual(['1024M', '2048']);
  expect(line({ extra }).slice(-4)).toEqual(['-m', '2048', '-device', 'usb-tablet']);
  const replaced = line({ extra, extraReplace: true });
  expect(valuesOf(replaced, '-m')).toEqual(['2048']);
  expect(valuesOf(replaced, '-device')).toEqual(['usb-tablet']);
  expect(line({ extra: [['-snapshot'], ['-S', '']] }).slice(-2)).toEqual(['-snapshot', '-S']);
});

test('how writes reach the disk is as asked for', () => {
  const node = (more: object): object => JSON.parse(valuesOf(line({ disks: [{ ...disk('/d'), ...more }] }), '-blockdev')[0]!) as object;
  expect(node({})).toMatchObject({ cache: { 'no-flush': true }, discard: 'unmap', 'detect-zeroes': 'unmap', file: { discard: 'unmap', cache: { 'no-flush': true } } });
  expect(node({ cache: 'none' })).toMatchObject({ cache: { direct: true } });
  // An empty list of flags would be refused.
  expect(node({ cache: 'writeback' })).not.toHaveProperty('cache');
  expect(node({ cache: 'writeback', discard: 'ignore' })).toMatchObject({ discard: 'ignore', 'detect-zeroes': 'on' });
  expect(node({ detectZeroes: 'off' })).not.toHaveProperty('detect-zeroes');
  expect(valuesOf(line({ disks: [{ ...disk('/d'), cache: 'directsync' }] }), '-device').find(d => d.startsWith('virtio-blk'))).toContain('write-cache=off');
});

test('the network is our own with ports of the loopback, or a bridge with a card of its own address', () => {
  expect(valuesOf(line({}), '-netdev')).toEqual(['user,id=net0,hostfwd=tcp:127.0.0.1:0-:22']);
  const bridged = line({ net: { device: 'e1000', bridge: 'br0', mac: '52:54:00:01:02:03', forwards: [] } });
  expect(valuesOf(bridged, '-netdev')).toEqual(['bridge,id=net0,br=br0']);
  expect(valuesOf(bridged, '-device')).toContain('e1000,id=nic0,netdev=net0,addr=0x4,mac=52:54:00:01:02:03');
});

test('files, firmware configuration and a window are passed on, commas and all', () => {
  const args = line({ firmwareConfig: { 'opt/org.example/answers': '/a,b' }, display: 'gtk', vnc: '127.0.0.1:0', serialLog: '/s,t' });
  expect(valuesOf(args, '-fw_cfg')).toEqual(['name=opt/org.example/answers,file=/a,,b']);
  expect(valuesOf(args, '-display')).toEqual(['gtk']);
  expect(valuesOf(args, '-vnc')).toEqual(['127.0.0.1:0']);
  expect(valuesOf(args, '-chardev')[0]).toContain('path=/s,,t');
  expect(line({ display: undefined })).not.toContain('-display');
});

test('a machine for aarch64 has no part of a PC', () => {
  const text = line({ architecture: 'aarch64', machine: 'virt-7.2', vga: 'virtio-gpu-pci', usb: true, cds: [{ path: '/cd', interface: 'virtio-scsi', bootable: true }], disks: [{ ...disk('/d'), interface: 'sata' }], firmware: ['if=pflash,unit=0'] }).join(' ');
  expect(text).toContain('scsi-cd,bus=scsi0.0,drive=cd0');
  expect(text).toContain('ide-hd,bus=ahci0.0,drive=disk0');
  expect(text).toContain('ich9-ahci,id=ahci0');
  expect(text).not.toMatch(/isa-|bus=ide\./);
});
