import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { isObject } from '../../json.js';
import { exactlyOne, must } from '../../rules.js';
import { Size, isSize } from '../../values.js';
import { Source, type SourceSettings } from '../component.js';
import { bootFields } from '../shared/boot.js';
import { httpFields } from '../shared/http.js';
import { isoFields } from '../shared/iso.js';
import { mediaFields } from '../shared/media.js';
import { sealAtCaptureFields } from '../shared/seal.js';
import { shutdownFields } from '../shared/shutdown.js';
import { sshFields } from '../shared/ssh.js';
import { vncFields } from '../shared/vnc.js';
import { winrmChosenRules, winrmFields } from '../shared/winrm.js';

/** The kind of QemuSource. */
export const qemu = source('qemu', combine(sshFields, winrmFields, isoFields, bootFields, httpFields, mediaFields, vncFields, shutdownFields, sealAtCaptureFields, {
  /** Disk image to start from: qcow2, raw, vmdk, vdi, vhdx. It is never written to. */
  diskImage: field.path({ kind: 'file', packerName: 'iso_url' }),
  /** The same by its URL; downloads are kept. */
  diskImageUrl: field.url({ affects: 'none', packerName: 'iso_url' }),
  /** Checksum of the disk image: `sha256:…` (or md5, sha1, sha512), or `file:` and the path or URL of a list such as SHA256SUMS. Left out or `none`: not checked. */
  diskImageChecksum: field.string({ affects: 'none', packerName: 'iso_checksum' }),
  /** Image of another build to start from; it is built first. */
  from: field.image('qemu'),
  /** Size of the disk as the guest sees it; it can only grow. Left out: the disk image's own; 40 GiB for an installation. */
  diskSize: field.size({ packerUnit: 'text' }),
  /**
   * Makes an image that holds only what differs from the one it started from, and needs that one beside it. Else the image stands alone.
   * @default false
   */
  useBackingFile: field.boolean({ default: false, affects: 'capture' }),

  /** Further, empty disks, by their sizes. They lie beside the image, as `web-1.qcow2` and so on. */
  diskAdditionalSize: field.list(field.size(), { affects: 'machine' }),

  /**
   * Boots a kernel directly instead of what the disc or the disk would boot: nothing has to be typed.
   */
  kernelBoot: field.group({
    /** Path of the kernel on the installation disc: `/install.amd/vmlinuz`. */
    kernel: field.string(),
    /** Path of the initial ramdisk on the installation disc. */
    initrd: field.string(),
    /** A kernel of this computer instead. */
    kernelFile: field.path({ kind: 'file' }),
    /** An initial ramdisk of this computer instead. */
    initrdFile: field.path({ kind: 'file' }),
    /** Arguments of the kernel. `{{ .HTTPIP }}` and `{{ .HTTPPort }}` are the address of the HTTP server. */
    append: field.string({ fills: true }),
  }, { packerName: false }),

  /**
   * How steps reach the guest. `winrm` (also where only `winrm` is given): a Windows guest. `none`: not at all; an installation is then done when the guest switches itself off.
   * @default 'ssh'
   */
  communicator: field.oneOf(['ssh', 'winrm', 'none'], { default: 'ssh', affects: 'none' }),

  /**
   * The guest's memory.
   * @default 1 GiB
   */
  memory: field.size({ default: Size.gib(1), affects: 'machine', packerUnit: 'mib' }),
  /**
   * How many processors the guest has.
   * @default 2
   */
  cpus: field.integer({ default: 2, min: 1, affects: 'machine' }),
  /** Sockets, cores of each and threads of each core, where `cpus` alone does not say it. */
  sockets: field.integer({ min: 1, affects: 'machine' }),
  /** Cores of a socket. */
  cores: field.integer({ min: 1, affects: 'machine' }),
  /** Threads of a core. */
  threads: field.integer({ min: 1, affects: 'machine' }),
  /** Processor model, as QEMU names it. Left out: the host's own with KVM, `max` in software emulation. */
  cpuModel: field.string({ affects: 'machine' }),
  /**
   * The guest's architecture.
   * @default 'x86_64'
   */
  architecture: field.oneOf(['x86_64', 'aarch64'], { default: 'x86_64', packerName: false }),
  /** Machine type, as QEMU names it: `pc`, `q35`, `virt`, `pc-q35-7.2`. Left out: `pc` for x86_64, `virt` for aarch64. A name without a version means the newest that the QEMU here knows. */
  machineType: field.string({ affects: 'machine' }),
  /** How the guest is accelerated; named, it must work. Left out: what works here, and it is said aloud. */
  accelerator: field.oneOf(['kvm', 'tcg', 'hvf', 'whpx', 'none'], { affects: 'machine' }),
  /**
   * Network card, as QEMU names it.
   * @default 'virtio-net'
   */
  netDevice: field.string({ default: 'virtio-net', affects: 'machine' }),
  /** Bridge of this computer that the guest is put on, instead of QEMU's own network. QEMU's bridge helper must allow it (/etc/qemu/bridge.conf). */
  netBridge: field.string({ affects: 'machine' }),
  /** Further ports of the guest that get a port on this computer's loopback. */
  portForwards: field.blocks({
    /** Port in the guest. */
    guest: field.integer({ required: true, min: 1, max: 65535 }),
    /** Port on this computer. Left out: one that is free; the build says which. */
    host: field.integer({ min: 1, max: 65535 }),
  }, { packerName: false, affects: 'none' }),
  /**
   * Forwards no ports, for guests that are reached otherwise (`ssh.host`).
   * @default false
   */
  skipNatMapping: field.boolean({ default: false, affects: 'none' }),
  /**
   * How the disk is attached.
   * @default 'virtio'
   */
  diskInterface: field.oneOf(['virtio', 'virtio-scsi', 'scsi', 'ide', 'sata', 'nvme'], { default: 'virtio', affects: 'machine' }),
  /** How discs are attached. Left out: `ide`, which every guest knows; `virtio-scsi` for aarch64. */
  cdromInterface: field.oneOf(['ide', 'sata', 'virtio-scsi', 'scsi', 'virtio'], { affects: 'machine' }),
  /**
   * How writes reach this computer's disk while the image is built. `unsafe` never waits for it: the fastest, and a build that is cut off is thrown away in any case.
   * @default 'unsafe'
   */
  diskCache: field.oneOf(['writethrough', 'writeback', 'none', 'unsafe', 'directsync'], { default: 'unsafe', affects: 'none' }),
  /**
   * Whether space that the guest gives up is given up in the image too.
   * @default 'unmap'
   */
  diskDiscard: field.oneOf(['unmap', 'ignore'], { default: 'unmap', affects: 'none' }),
  /**
   * Whether zeros that the guest writes become holes in the image.
   * @default 'unmap'
   */
  diskDetectZeroes: field.oneOf(['unmap', 'on', 'off'], { default: 'unmap', affects: 'none' }),
  /** How firmware boots the machine. */
  efi: field.group({
    /**
     * Boots by UEFI. The firmware is found by QEMU's own descriptions of what is installed.
     * @default false
     */
    boot: field.boolean({ default: false, affects: 'machine' }),
    /**
     * Boots only what is signed; Microsoft's and the distributions' keys are enrolled. Implies `boot`.
     * @default false
     */
    secureBoot: field.boolean({ default: false, affects: 'machine', packerName: false }),
    /** Firmware code to use instead. */
    firmwareCode: field.path({ kind: 'file', affects: 'machine' }),
    /** Template of the firmware's variables to use instead. */
    firmwareVars: field.path({ kind: 'file', affects: 'machine' }),
    /**
     * Leaves the firmware's variables out of the output folder.
     * @default false
     */
    dropEfivars: field.boolean({ default: false, affects: 'capture' }),
  }, { prefix: 'efi_' }),
  /** BIOS file to use instead of QEMU's own; with `usePflash`, one for a flash chip. */
  firmware: field.path({ kind: 'file', affects: 'machine' }),
  /**
   * Puts `firmware` into a flash chip.
   * @default false
   */
  usePflash: field.boolean({ default: false, affects: 'machine' }),
  /**
   * Gives the guest a TPM (swtpm must be installed).
   * @default false
   */
  vtpm: field.boolean({ default: false, affects: 'machine' }),
  /** The TPM's device, as QEMU names it. Left out: `tpm-crb`, `tpm-tis-device` for aarch64. */
  tpmDeviceType: field.string({ affects: 'machine' }),
  /**
   * Speaks TPM 1.2 instead of 2.0.
   * @default false
   */
  useTpm1: field.boolean({ default: false, packerName: 'use_tpm1', affects: 'machine' }),
  /**
   * Gives the guest USB with a keyboard and a tablet.
   * @default false
   */
  usb: field.boolean({ default: false, affects: 'machine', packerName: false }),
  /** Display adapter: `std`, `virtio`, `qxl`, `cirrus`, `vmware`, `none`, or a device as QEMU names it. Left out: `std`; `virtio` for aarch64. */
  vga: field.string({ affects: 'machine' }),
  /**
   * Shows no window.
   * @default true
   */
  headless: field.boolean({ default: true, affects: 'none' }),
  /** What shows the window: `gtk`, `sdl`, `cocoa` … */
  display: field.string({ affects: 'none' }),
  /**
   * Lets QEMU choose what shows the window.
   * @default false
   */
  useDefaultDisplay: field.boolean({ default: false, affects: 'none' }),
  /**
   * Offers no VNC.
   * @default false
   */
  disableVnc: field.boolean({ default: false, affects: 'none' }),
  /** Files shown to the guest as firmware configuration (`opt/…`): name -> file. */
  firmwareConfig: field.map(field.path({ kind: 'file' }), { packerName: false, affects: 'machine' }),
  /** Name or path of the QEMU program. Left out: `qemu-system-x86_64`, or the one of the architecture. */
  qemuBinary: field.string({ affects: 'machine' }),
  /** More arguments for QEMU, each a list of a flag and its value; they come after ours. */
  qemuArgs: field.list(field.list(field.string()), { packerName: 'qemuargs', affects: 'machine' }),
  /**
   * Lets the arguments in qemuArgs take the place of ours of the same flag. What breaks then (the network, the disk, checkpoints) is yours to mend.
   * @default false
   */
  qemuArgsReplace: field.boolean({ default: false, affects: 'machine', packerName: false }),

  /** What cloud-init is told at the guest's first boot, beside the key that lets us in. */
  cloudInit: field.group({
    /**
     * Offers the guest a NoCloud seed, and the same key as a systemd credential.
     * @default true
     */
    enabled: field.boolean({ default: true }),
    /** user-data: a cloud-config or a script. */
    userData: field.string(),
    /** meta-data. Left out: an instance-id that is new each time. */
    metaData: field.string(),
    /** network-config. */
    networkConfig: field.string(),
  }, { packerName: false }),

  /** More arguments for qemu-img, by its command. */
  qemuImgArgs: field.block({
    /** For the image made at the end. */
    convert: field.list(field.string(), { affects: 'capture' }),
    /** For an empty disk that is installed to. */
    create: field.list(field.string()),
    /** For a disk that grows; taken for `create` too, since a disk grows by a new layer. */
    resize: field.list(field.string()),
  }),

  /** Folder for the image. Left out: `output/<build>-<source>`. */
  outputDirectory: field.outputPath(),
  /** File name of the image. Left out: the build's name and the format: `web.qcow2`. */
  vmName: field.string({ affects: 'capture' }),
  /**
   * Format of the image.
   * @default 'qcow2'
   */
  format: field.oneOf(['qcow2', 'raw', 'vmdk', 'vdi', 'vhdx'], { default: 'qcow2', affects: 'capture' }),
  /**
   * Compresses the image; only qcow2 can.
   * @default false
   */
  diskCompression: field.boolean({ default: false, affects: 'capture' }),
  /**
   * How it is compressed. zstd is many times faster, and needs QEMU 5.1 or later to read.
   * @default 'zstd'
   */
  diskCompressionType: field.oneOf(['zstd', 'zlib'], { default: 'zstd', affects: 'capture', packerName: false }),
}), {
  rules: [
    ...winrmChosenRules,
    exactlyOne('isoUrl', 'isoUrls', 'diskImage', 'diskImageUrl', 'from'),
    must(['diskImageChecksum', 'diskImage', 'diskImageUrl'], 'diskImageChecksum with diskImage or diskImageUrl', isSet =>
      isSet('diskImageChecksum') && !isSet('diskImage') && !isSet('diskImageUrl') ? 'has diskImageChecksum, which needs diskImage or diskImageUrl too' : undefined),
    must(['isoChecksum', 'isoUrl', 'isoUrls'], 'isoChecksum with isoUrl or isoUrls', isSet =>
      isSet('isoChecksum') === (isSet('isoUrl') || isSet('isoUrls')) ? undefined : isSet('isoChecksum') ? 'has isoChecksum, which needs isoUrl or isoUrls too' : "needs isoChecksum with an installation disc; 'none' where it is not to be checked"),
    must(['diskCompression', 'format'], 'diskCompression only with format qcow2', (_isSet, valueOf) =>
      valueOf('diskCompression') === true && typeof valueOf('format') === 'string' && valueOf('format') !== 'qcow2' ? `compresses only qcow2, and the format is ${String(valueOf('format'))}` : undefined),
    must(['useBackingFile', 'format'], 'useBackingFile only with format qcow2', (_isSet, valueOf) =>
      valueOf('useBackingFile') === true && typeof valueOf('format') === 'string' && valueOf('format') !== 'qcow2' ? `keeps a backing file only in qcow2, and the format is ${String(valueOf('format'))}` : undefined),
    must(['useBackingFile', 'diskImage', 'diskImageUrl', 'from'], 'useBackingFile only with an image to start from', (isSet, valueOf) =>
      valueOf('useBackingFile') === true && !isSet('diskImage') && !isSet('diskImageUrl') && !isSet('from') ? 'has useBackingFile, and starts from no image that could lie behind its own' : undefined),
    must(['kernelBoot'], 'kernelBoot with one kernel', (_isSet, valueOf) => {
      const { kernel, kernelFile, initrd, initrdFile, append } = partsOf(valueOf('kernelBoot'));
      if (kernel !== undefined && kernelFile !== undefined) return 'takes kernelBoot.kernel or kernelBoot.kernelFile, and has both';
      if (initrd !== undefined && initrdFile !== undefined) return 'takes kernelBoot.initrd or kernelBoot.initrdFile, and has both';
      return kernel === undefined && kernelFile === undefined && (initrd ?? initrdFile ?? append) !== undefined ? 'has kernelBoot without a kernel: kernelBoot.kernel, of the disc, or kernelBoot.kernelFile, of this computer' : undefined;
    }),
    must(['http', 'vnc'], 'ports from the lowest to the highest', (_isSet, valueOf) => {
      for (const name of ['http', 'vnc'] as const) {
        const { portMin, portMax } = partsOf(valueOf(name));
        if (typeof portMin === 'number' && typeof portMax === 'number' && portMin > portMax) return `has ${name}.portMin ${portMin}, which is above ${name}.portMax ${portMax}`;
      }
      return undefined;
    }),
    must(['usePflash', 'firmware'], 'usePflash only with firmware', (isSet, valueOf) => valueOf('usePflash') === true && !isSet('firmware') ? 'has usePflash, which needs firmware too' : undefined),
    must(['vtpm', 'tpmDeviceType', 'useTpm1'], 'tpmDeviceType and useTpm1 only with vtpm', (isSet, valueOf) =>
      (isSet('tpmDeviceType') || valueOf('useTpm1') === true) && valueOf('vtpm') !== true ? `has ${isSet('tpmDeviceType') ? 'tpmDeviceType' : 'useTpm1'}, which needs vtpm: true` : undefined),
    must(['display', 'useDefaultDisplay', 'headless'], 'a display only with headless: false', (isSet, valueOf) =>
      (isSet('display') || valueOf('useDefaultDisplay') === true) && valueOf('headless') !== false ? `has ${isSet('display') ? 'display' : 'useDefaultDisplay'}, which shows something only with headless: false` : undefined),
    must(['portForwards', 'netBridge'], 'portForwards only without netBridge', isSet =>
      isSet('portForwards') && isSet('netBridge') ? 'has portForwards; on a bridge (netBridge) the guest has an address of its own, and nothing is forwarded' : undefined),
    must(['architecture', 'floppy', 'diskInterface', 'cdromInterface'], 'floppies and IDE only with x86_64', (isSet, valueOf) => {
      if (valueOf('architecture') !== 'aarch64') return undefined;
      const ide = (['diskInterface', 'cdromInterface'] as const).find(name => valueOf(name) === 'ide');
      return isSet('floppy') ? 'has a floppy, and aarch64 machines have no floppy drive: a disc (cd) does the same' : ide === undefined ? undefined : `has ${ide} 'ide', which aarch64 machines do not have`;
    }),
    must(['memory'], 'memory of whole mebibytes', (_isSet, valueOf) => {
      const memory = valueOf('memory');
      return isSize(memory) && (memory.$size === 0 || memory.$size % 1024 ** 2 !== 0) ? 'needs memory in whole mebibytes, such as Size.mib(1024)' : undefined;
    }),
  ],
  outputs: {
    /** Where the image lies. */
    path: field.path({ required: true }),
    /** `qcow2`, `raw` … */
    format: field.string({ required: true }),
    /** `sha256:…` of the image. */
    checksum: field.string({ required: true }),
    /** Bytes that the image takes. */
    size: field.integer({ required: true }),
    /** Size of the disk as a guest sees it, in bytes. */
    diskSize: field.integer({ required: true }),
    /** Where the firmware's variables lie, for images that boot by UEFI. */
    efivars: field.path(),
  },
});
/** The parts of a group, as far as they are set. */
function partsOf(group: unknown): { readonly [name: string]: unknown } { return isObject(group) ? group : {}; }
export interface QemuSourceProps<N extends string = string> extends PropsOf<typeof qemu.fields>, SourceSettings<N> {}
/** Boots a virtual machine with QEMU and keeps its disk. */
export class QemuSource<const N extends string = 'qemu'> extends Source<typeof qemu, N> {
  constructor(props: QemuSourceProps<N>) { super(qemu, props); }
}
