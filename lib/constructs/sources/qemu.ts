import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { exactlyOne, must, needs } from '../../rules.js';
import { Size, isSize } from '../../values.js';
import { Source, type SourceSettings } from '../component.js';
import { shutdownFields } from '../shared/shutdown.js';
import { sshFields } from '../shared/ssh.js';

/** The kind of QemuSource. */
export const qemu = source('qemu', combine(sshFields, shutdownFields, {
  /** Disk image to start from: qcow2, raw, vmdk, vdi, vhdx. It is never written to. */
  diskImage: field.path({ kind: 'file', packerName: 'iso_url' }),
  /** Checksum of the disk image: `sha256:…` (or md5, sha1, sha512), or `file:` and the path or URL of a list such as SHA256SUMS. Left out or `none`: not checked. */
  diskImageChecksum: field.string({ affects: 'none', packerName: 'iso_checksum' }),
  /** Image of another build to start from; it is built first. */
  from: field.image('qemu'),
  /** Size of the disk as the guest sees it; it can only grow. Left out: the disk image's own. */
  diskSize: field.size({ packerUnit: 'text' }),
  /**
   * Makes an image that holds only what differs from the one it started from, and needs that one beside it. Else the image stands alone.
   * @default false
   */
  useBackingFile: field.boolean({ default: false, affects: 'capture' }),

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
  /**
   * How the disk is attached.
   * @default 'virtio'
   */
  diskInterface: field.oneOf(['virtio', 'virtio-scsi', 'scsi', 'ide', 'sata', 'nvme'], { default: 'virtio', affects: 'machine' }),
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
    exactlyOne('diskImage', 'from'),
    needs('diskImageChecksum', 'diskImage'),
    must(['diskCompression', 'format'], 'diskCompression only with format qcow2', (_isSet, valueOf) =>
      valueOf('diskCompression') === true && typeof valueOf('format') === 'string' && valueOf('format') !== 'qcow2' ? `compresses only qcow2, and the format is ${String(valueOf('format'))}` : undefined),
    must(['useBackingFile', 'format'], 'useBackingFile only with format qcow2', (_isSet, valueOf) =>
      valueOf('useBackingFile') === true && typeof valueOf('format') === 'string' && valueOf('format') !== 'qcow2' ? `keeps a backing file only in qcow2, and the format is ${String(valueOf('format'))}` : undefined),
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
  },
});
export interface QemuSourceProps<N extends string = string> extends PropsOf<typeof qemu.fields>, SourceSettings<N> {}
/** Boots a virtual machine with QEMU and keeps its disk. */
export class QemuSource<const N extends string = 'qemu'> extends Source<typeof qemu, N> {
  constructor(props: QemuSourceProps<N>) { super(qemu, props); }
}
