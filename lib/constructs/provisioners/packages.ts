import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atLeastOne } from '../../rules.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

const name = (value: unknown): string | undefined => {
  const bad = Array.isArray(value) ? value.find(each => typeof each === 'string' && !/^[A-Za-z0-9@/._][\w@/.:+~=<>*-]*$/.test(each)) as string | undefined : undefined;
  return bad === undefined ? undefined : `'${bad}' is no name of a package`;
};

/** The kind of PackagesProvisioner. */
export const packages = provisioner('packages', {
  /** Packages to install, as the guest's package manager names them; with a version where it takes one (`nginx=1.22.1-9`). */
  install: field.list(field.string(), { check: name }),
  /** Packages to remove. */
  remove: field.list(field.string(), { check: name }),
  /**
   * Brings all installed packages up to date.
   * @default false
   */
  upgrade: field.boolean({ default: false }),
  /**
   * Installs what packages recommend, too.
   * @default false
   */
  recommends: field.boolean({ default: false }),
  /**
   * Removes lists and downloads afterwards, so that they do not end up in the image.
   * @default true
   */
  clean: field.boolean({ default: true }),
  /** Package manager of the guest. Left out: the one that it has. */
  manager: field.oneOf(['apt', 'dnf', 'yum', 'apk', 'zypper', 'pacman']),
  /** Variables for the package manager, such as http_proxy. */
  environment: field.map(field.sensitiveString(), { affects: 'none' }),
}, { packerType: false, rules: [atLeastOne('install', 'remove', 'upgrade')] });

type Props = PropsOf<typeof packages.fields>;
export interface PackagesProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Installs, removes and upgrades packages with what the guest has: apt, dnf, yum, apk, zypper or pacman. */
export class PackagesProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof packages, O | V> {
  constructor(props: PackagesProvisionerProps<O, V>) { super(packages, props); }
}
