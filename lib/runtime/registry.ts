/** From a kind's key to its field table and its driver, each loaded when first needed. */
import type * as api from '../index.js';
import { errors } from '../errors.js';
import type { Json } from '../json.js';
import type { AnyKind } from '../kinds.js';
import type { Plan } from '../plan.js';
import { suggest } from '../suggest.js';
import { loadKind } from './load-kind.js';
import type {
  Artifact, Communicator, Context, DataContext, DataDriver, Leftover, Machine, PostProcessorDriver, PreflightProblem, ProvisionerDriver, Saved, SourceDriver, Stray,
} from './driver.js';

const fail = errors('KIND', {
  UNKNOWN: {
    message: (key: string, near: string | undefined) => `There is no ${key.replace('/', ' ')} here.${near === undefined ? '' : ` The nearest is ${near.replace('/', ' ')}.`}`,
    remedy: 'Install the package that has it, in the version that the plan names.',
    explain: 'A plan names the kinds of its components; each needs a driver on the computer that runs it.',
  },
  EXPORT_ONLY: {
    message: (key: string, _what: string) => `The ${key.replace('/packer:', ' ')} is described in Packer's own options: it can be exported, not built here.`,
    remedy: (_key: string, what: string) => what,
    explain: 'Classes of imagebake/packer carry any option of any Packer component into an exported template. The runtime builds the components of imagebake.',
  },
  NO_DRIVER: {
    message: (key: string, why: string) => `The driver of ${key} cannot be loaded: ${why}`,
    remedy: 'This is a fault of the package that the kind comes from: tell its author.',
  },
});

/** What a kind's driver is. */
export type DriverOf<K extends AnyKind> = K['role'] extends 'source' ? SourceDriver<K> : K['role'] extends 'provisioner' ? ProvisionerDriver<K> : K['role'] extends 'post-processor' ? PostProcessorDriver<K> : DataDriver<K>;
interface Line<K extends AnyKind> { readonly kind: () => Promise<K>; readonly driver: () => Promise<{ readonly default: DriverOf<K> }> }

/** Every kind that the public API exports: the compiler asks for a line of each, and refuses the driver of another. */
type OurKind = { [N in keyof typeof api]: (typeof api)[N] extends infer K ? K extends { readonly role: string; readonly key: string; readonly fields: object } ? K : never : never }[keyof typeof api];
type Lines = { readonly [K in OurKind as K extends AnyKind ? K['key'] : never]: K extends AnyKind ? Line<K> : never };

const lines = {
  'source/null': { kind: () => import('../constructs/sources/null.js').then(m => m.nullSource), driver: () => import('./sources/null.js') },
  'source/docker': { kind: () => import('../constructs/sources/docker.js').then(m => m.docker), driver: () => import('./sources/docker.js') },
  'source/amazon-ebs': { kind: () => import('../constructs/sources/amazon-ebs.js').then(m => m.amazonEbs), driver: () => import('./sources/amazon-ebs.js') },
  'source/amazon-ebssurrogate': { kind: () => import('../constructs/sources/amazon-ebssurrogate.js').then(m => m.amazonEbsSurrogate), driver: () => import('./sources/amazon-ebssurrogate.js') },
  'source/amazon-ebsvolume': { kind: () => import('../constructs/sources/amazon-ebsvolume.js').then(m => m.amazonEbsVolume), driver: () => import('./sources/amazon-ebsvolume.js') },
  'source/qemu': { kind: () => import('../constructs/sources/qemu.js').then(m => m.qemu), driver: () => import('./sources/qemu.js') },
  'source/file': { kind: () => import('../constructs/sources/file.js').then(m => m.fileSource), driver: () => import('./sources/file.js') },
  'provisioner/ansible': { kind: () => import('../constructs/provisioners/ansible.js').then(m => m.ansible), driver: () => import('./provisioners/ansible.js') },
  'provisioner/ansible-local': { kind: () => import('../constructs/provisioners/ansible-local.js').then(m => m.ansibleLocal), driver: () => import('./provisioners/ansible-local.js') },
  'provisioner/chef-solo': { kind: () => import('../constructs/provisioners/chef-solo.js').then(m => m.chefSolo), driver: () => import('./provisioners/chef-solo.js') },
  'provisioner/goss': { kind: () => import('../constructs/provisioners/goss.js').then(m => m.goss), driver: () => import('./provisioners/goss.js') },
  'provisioner/puppet-masterless': { kind: () => import('../constructs/provisioners/puppet-masterless.js').then(m => m.puppetMasterless), driver: () => import('./provisioners/puppet-masterless.js') },
  'provisioner/puppet-server': { kind: () => import('../constructs/provisioners/puppet-server.js').then(m => m.puppetServer), driver: () => import('./provisioners/puppet-server.js') },
  'provisioner/salt-masterless': { kind: () => import('../constructs/provisioners/salt-masterless.js').then(m => m.saltMasterless), driver: () => import('./provisioners/salt-masterless.js') },
  'provisioner/file': { kind: () => import('../constructs/provisioners/file.js').then(m => m.file), driver: () => import('./provisioners/file.js') },
  'provisioner/cloud-init-wait': { kind: () => import('../constructs/provisioners/cloud-init-wait.js').then(m => m.cloudInitWait), driver: () => import('./provisioners/cloud-init-wait.js') },
  'provisioner/packages': { kind: () => import('../constructs/provisioners/packages.js').then(m => m.packages), driver: () => import('./provisioners/packages.js') },
  'provisioner/powershell': { kind: () => import('../constructs/provisioners/powershell.js').then(m => m.powershell), driver: () => import('./provisioners/powershell.js') },
  'provisioner/windows-restart': { kind: () => import('../constructs/provisioners/windows-restart.js').then(m => m.windowsRestart), driver: () => import('./provisioners/windows-restart.js') },
  'provisioner/windows-shell': { kind: () => import('../constructs/provisioners/windows-shell.js').then(m => m.windowsShell), driver: () => import('./provisioners/windows-shell.js') },
  'provisioner/reboot': { kind: () => import('../constructs/provisioners/reboot.js').then(m => m.reboot), driver: () => import('./provisioners/reboot.js') },
  'provisioner/seal': { kind: () => import('../constructs/provisioners/seal.js').then(m => m.seal), driver: () => import('./provisioners/seal.js') },
  'provisioner/shell': { kind: () => import('../constructs/provisioners/shell.js').then(m => m.shell), driver: () => import('./provisioners/shell.js') },
  'provisioner/shell-local': { kind: () => import('../constructs/provisioners/shell-local.js').then(m => m.shellLocalProvisioner), driver: () => import('./provisioners/shell-local.js') },
  'provisioner/breakpoint': { kind: () => import('../constructs/provisioners/breakpoint.js').then(m => m.breakpoint), driver: () => import('./provisioners/breakpoint.js') },
  'provisioner/sleep': { kind: () => import('../constructs/provisioners/sleep.js').then(m => m.sleepProvisioner), driver: () => import('./provisioners/sleep.js') },
  'post-processor/manifest': { kind: () => import('../constructs/post-processors/manifest.js').then(m => m.manifest), driver: () => import('./post-processors/manifest.js') },
  'post-processor/compress': { kind: () => import('../constructs/post-processors/compress.js').then(m => m.compress), driver: () => import('./post-processors/compress.js') },
  'post-processor/vagrant': { kind: () => import('../constructs/post-processors/vagrant.js').then(m => m.vagrant), driver: () => import('./post-processors/vagrant.js') },
  'post-processor/checksum': { kind: () => import('../constructs/post-processors/checksum.js').then(m => m.checksum), driver: () => import('./post-processors/checksum.js') },
  'post-processor/docker-tag': { kind: () => import('../constructs/post-processors/docker-tag.js').then(m => m.dockerTag), driver: () => import('./post-processors/docker-tag.js') },
  'post-processor/docker-push': { kind: () => import('../constructs/post-processors/docker-push.js').then(m => m.dockerPush), driver: () => import('./post-processors/docker-push.js') },
  'post-processor/docker-save': { kind: () => import('../constructs/post-processors/docker-save.js').then(m => m.dockerSave), driver: () => import('./post-processors/docker-save.js') },
  'post-processor/docker-import': { kind: () => import('../constructs/post-processors/docker-import.js').then(m => m.dockerImport), driver: () => import('./post-processors/docker-import.js') },
  'post-processor/shell-local': { kind: () => import('../constructs/post-processors/shell-local.js').then(m => m.shellLocalPostProcessor), driver: () => import('./post-processors/shell-local.js') },
  'data/http': { kind: () => import('../constructs/data/http.js').then(m => m.httpData), driver: () => import('./data/http.js') },
  'data/file': { kind: () => import('../constructs/data/file.js').then(m => m.fileData), driver: () => import('./data/file.js') },
  'data/environment': { kind: () => import('../constructs/data/environment.js').then(m => m.environmentData), driver: () => import('./data/environment.js') },
  'data/command': { kind: () => import('../constructs/data/command.js').then(m => m.commandData), driver: () => import('./data/command.js') },
  'data/git': { kind: () => import('../constructs/data/git.js').then(m => m.gitData), driver: () => import('./data/git.js') },
  'post-processor/amazon-import': { kind: () => import('../constructs/post-processors/amazon-import.js').then(m => m.amazonImport), driver: () => import('./post-processors/amazon-import.js') },
  'post-processor/ssm-parameter': { kind: () => import('../constructs/post-processors/ssm-parameter.js').then(m => m.ssmParameter), driver: () => import('./post-processors/ssm-parameter.js') },
  'data/amazon-ami': { kind: () => import('../constructs/data/amazon-ami.js').then(m => m.amazonAmi), driver: () => import('./data/amazon-ami.js') },
  'data/amazon-parameterstore': { kind: () => import('../constructs/data/amazon-parameterstore.js').then(m => m.amazonParameterstore), driver: () => import('./data/amazon-parameterstore.js') },
  'data/amazon-secretsmanager': { kind: () => import('../constructs/data/amazon-secretsmanager.js').then(m => m.amazonSecretsmanager), driver: () => import('./data/amazon-secretsmanager.js') },
} satisfies Lines;

/** A driver of any role: the runtime knows from the plan which members it has. */
export interface AnyDriver {
  readonly effects?: ProvisionerDriver<AnyKind>['effects'] | 'local' | 'outside';
  preflight?(props: never, ctx: Context): Promise<readonly PreflightProblem[]>;
  start(props: never, ctx: Context): Promise<Machine>;
  outline?(props: never, ctx: Context): Promise<readonly string[]>;
  complete?(props: never, ctx: Context): Promise<Artifact | undefined>;
  identify?(props: never, ctx: Context, fetch: boolean): Promise<Json | undefined>;
  resume?(props: never, saved: Saved, ctx: Context): Promise<Machine>;
  installs?(props: never): boolean;
  readonly savesOnRequest?: boolean;
  intact?(saved: Saved): Promise<boolean>;
  forget?(saved: Saved): Promise<void>;
  boot?(artifact: Artifact, props: never, ctx: Context): Promise<Machine>;
  present?(artifact: Artifact): Promise<boolean>;
  destroy?(artifact: Artifact): Promise<void>;
  reap?(entry: Leftover): Promise<void>;
  strays?(): Promise<readonly Stray[]>;
  shell?(kept: Json): Promise<number>;
  picture?(kept: Json, file: string): Promise<void>;
  run(props: never, on: Communicator | Artifact, ctx: Context): Promise<unknown>;
  read(props: never, ctx: DataContext): Promise<object>;
}

const exportIt = 'Export the program (bake synth --format packer-hcl) and build it with packer.';

export interface Registry {
  /** Throws KIND_UNKNOWN, KIND_NOT_LOADED and KIND_NO_DRIVER. */
  kind(key: string): Promise<AnyKind>;
  driver(key: string): Promise<AnyDriver>;
}

/** Ours, the kinds given, and those that a plan says where to find; `from` is the file that modules are looked up from. */
export function makeRegistry(options: { readonly kinds?: readonly AnyKind[] | undefined; readonly requires?: Plan['requires'] | undefined; readonly from?: string | undefined } = {}): Registry {
  const ours = lines as { readonly [key: string]: { readonly kind: () => Promise<unknown>; readonly driver: () => Promise<{ readonly default: unknown }> } };
  const given = new Map<string, AnyKind>((options.kinds ?? []).map(kind => [kind.key, kind]));
  const kinds = new Map<string, Promise<AnyKind>>(), drivers = new Map<string, Promise<AnyDriver>>();

  async function load(key: string): Promise<AnyKind> {
    const known = given.get(key);
    if (known) return known;
    if (Object.hasOwn(ours, key)) return await ours[key]!.kind() as AnyKind;
    for (const { modules } of Object.values(options.requires ?? {})) {
      const module = modules[key];
      if (module !== undefined) return loadKind(key, module, options.from);
    }
    if (key.includes('/packer:')) throw fail.EXPORT_ONLY(key, exportIt);
    throw fail.UNKNOWN(key, suggest(key, [...Object.keys(ours), ...given.keys()]));
  }
  const once = <T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> => {
    let found = cache.get(key);
    if (!found) cache.set(key, found = make());
    return found;
  };
  const kind = (key: string): Promise<AnyKind> => once(kinds, key, () => load(key));
  return {
    kind,
    driver: key => once(drivers, key, async () => {
      if (!given.has(key) && Object.hasOwn(ours, key)) return (await ours[key]!.driver()).default as unknown as AnyDriver;
      if (key.includes('/packer:')) throw fail.EXPORT_ONLY(key, exportIt);
      const loaded = await kind(key);
      if (loaded.exportOnly !== undefined) throw fail.EXPORT_ONLY(key, loaded.exportOnly);
      if (!loaded.driver) throw fail.NO_DRIVER(key, 'its kind names none');
      try {
        return (await loaded.driver()).default as unknown as AnyDriver;
      } catch (error) {
        throw fail.NO_DRIVER(key, (error as Error).message, { cause: error });
      }
    }),
  };
}
