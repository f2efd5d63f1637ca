import type { packages } from '../../constructs/provisioners/packages.js';
import type { Resolved } from '../../kinds.js';
import { runAsRoot } from '../guest/as-root.js';
import type { ProvisionerDriver } from '../driver.js';
import { exports, quote } from '../guest/quote.js';

type Props = Resolved<typeof packages>;
interface Manager {
  /** The program by which it is known. */
  readonly program: string;
  /** Fetches the lists of packages. */
  readonly refresh: string;
  readonly upgrade: string;
  readonly install: (names: string, recommends: boolean) => string;
  readonly remove: (names: string) => string;
  readonly clean: string;
}

// Other programs (a first boot's own upgrades) may hold apt's lock for minutes; a mirror may fail once.
const apt = 'apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0';
const yum = (program: string): Manager => ({
  program, refresh: `${program} -q -y makecache`, upgrade: `${program} -y ${program === 'dnf' ? 'upgrade' : 'update'}`,
  install: (names, recommends) => `${program} -y ${program === 'dnf' ? `--setopt=install_weak_deps=${recommends ? 'True' : 'False'} ` : ''}install ${names}`,
  remove: names => `${program} -y remove ${names}`, clean: `${program} -q clean all`,
});
/** In the order in which they are looked for: a guest with dnf has yum as a name for it. */
const managers: { readonly [name in NonNullable<Props['manager']>]: Manager } = {
  apt: {
    program: 'apt-get', refresh: `${apt} -o APT::Update::Error-Mode=any update`, upgrade: `${apt} dist-upgrade`,
    install: (names, recommends) => `${apt} ${recommends ? '' : '--no-install-recommends '}install ${names}`, remove: names => `${apt} --purge autoremove ${names}`,
    clean: 'apt-get clean; rm -rf /var/lib/apt/lists/*',
  },
  dnf: yum('dnf'), yum: yum('yum'),
  apk: {
    program: 'apk', refresh: 'apk update', upgrade: 'apk upgrade', install: names => `apk add ${names}`, remove: names => `apk del ${names}`, clean: 'rm -rf /var/cache/apk/*',
  },
  zypper: {
    program: 'zypper', refresh: 'zypper -n refresh', upgrade: 'zypper -n update', install: (names, recommends) => `zypper -n install ${recommends ? '--recommends' : '--no-recommends'} ${names}`,
    remove: names => `zypper -n remove ${names}`, clean: 'zypper -n clean --all',
  },
  pacman: {
    program: 'pacman', refresh: 'pacman -Sy --noconfirm', upgrade: 'pacman -Su --noconfirm', install: names => `pacman -S --needed --noconfirm ${names}`, remove: names => `pacman -Rs --noconfirm ${names}`,
    clean: 'pacman -Scc --noconfirm',
  },
};

export default {
  effects: 'guest',
  run: async (props, guest, ctx) => { await runAsRoot('Installing packages', scriptOf(props), guest, ctx); },
} satisfies ProvisionerDriver<typeof packages>;

function scriptOf(props: Props): string {
  const chosen = props.manager === undefined ? Object.values(managers) : [managers[props.manager]];
  const cases = chosen.map((manager, i) => `${i === 0 ? 'if' : 'elif'} command -v ${manager.program} >/dev/null 2>&1; then\n${stepsOf(manager, props)}`);
  return `set -e\n${exports({ DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', ...props.environment })}exec </dev/null\n${cases.join('')}else
  echo 'The guest has none of: ${chosen.map(manager => manager.program).join(', ')}.' >&2; exit 1
fi\n`;
}

function stepsOf(manager: Manager, props: Props): string {
  const words = (names: readonly string[]): string => names.map(quote).join(' ');
  const install = props.install ?? [], remove = props.remove ?? [];
  return [
    ...(install.length > 0 || props.upgrade ? [manager.refresh] : []), ...(props.upgrade ? [manager.upgrade] : []),
    ...(remove.length > 0 ? [manager.remove(words(remove))] : []), ...(install.length > 0 ? [manager.install(words(install), props.recommends)] : []), ...(props.clean ? [manager.clean] : []),
  ].map(line => `  ${line}\n`).join('');
}
