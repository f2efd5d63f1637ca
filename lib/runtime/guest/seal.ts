/** Removes from a Unix guest what makes it one particular machine. */
import type { SealFields } from '../../constructs/shared/seal.js';
import type { ResolvedOf } from '../../fields.js';
import { runAsRoot } from './as-root.js';
import type { Communicator, Context } from '../driver.js';

export type SealProps = ResolvedOf<SealFields>;

/** For root. Each part is tried on its own: what a guest does not have is no failure; what cannot be removed is. */
const parts: { readonly [P in keyof SealProps]: string } = {
  // Where nothing in the image makes new host keys, sshd would not start again: then a unit is left that does. cloud-init makes them only where it finds a source
  // of data, so it comes first and is not relied on. (Not before ssh.socket: that would be a circle, which systemd breaks by leaving somebody out.)
  hostKeys: `
set -- /etc/ssh/ssh_host_*_key
if [ -e "$1" ]; then
  if [ -d /run/systemd/system ] || [ -x /lib/systemd/systemd ] || [ -x /usr/lib/systemd/systemd ]; then
    if ! ls /usr/lib/systemd/system/sshd-keygen* /lib/systemd/system/sshd-keygen* /etc/systemd/system/ssh-host-keys.service >/dev/null 2>&1; then
      mkdir -p /etc/systemd/system
      cat >/etc/systemd/system/ssh-host-keys.service <<'END'
[Unit]
Description=Makes the SSH host keys of a new machine
After=cloud-init.service cloud-init-network.service
Before=ssh.service sshd.service
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
END
      mkdir -p /etc/systemd/system/multi-user.target.wants
      ln -sf ../ssh-host-keys.service /etc/systemd/system/multi-user.target.wants/ssh-host-keys.service
    fi
  elif ls /etc/init.d/ssh* >/dev/null 2>&1 && ! grep -q ssh-keygen /etc/init.d/ssh* 2>/dev/null; then
    echo 'The SSH host keys stay: nothing in this system would make new ones when it starts.' >&2
    exit 0
  fi
  rm -f /etc/ssh/ssh_host_*
fi
`,
  // Empty, not gone: systemd writes into an empty one, and takes a missing one for a system that was never set up.
  machineId: `
if [ -e /etc/machine-id ]; then : >/etc/machine-id; fi
if [ -e /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; ln -s /etc/machine-id /var/lib/dbus/machine-id; fi
`,
  cloudInit: `
if command -v cloud-init >/dev/null 2>&1; then cloud-init clean --logs || rm -rf /var/lib/cloud/instance /var/lib/cloud/instances; fi
`,
  // Who holds the seed of random numbers writes it as the system goes down: all who start from the image would share it.
  networkState: `
if command -v systemctl >/dev/null 2>&1; then systemctl stop systemd-random-seed.service >/dev/null 2>&1 || true; fi
rm -f /var/lib/dhcp/*.lease* /var/lib/dhclient/*.lease* /var/lib/dhcpcd/*.lease* /var/lib/NetworkManager/*.lease /etc/udev/rules.d/70-persistent-net.rules /var/lib/systemd/random-seed
rm -rf /run/systemd/netif/leases/* /var/lib/systemd/network/*
`,
  history: `
for home in $( (getent passwd 2>/dev/null || cat /etc/passwd) | cut -d: -f6 | sort -u); do
  case $home in /|'') continue;; esac
  rm -f "$home"/.bash_history "$home"/.ash_history "$home"/.sh_history "$home"/.zsh_history "$home"/.python_history "$home"/.lesshst "$home"/.viminfo "$home"/.wget-hsts
done
`,
  // What is in use is left, and so is a file system that is mounted there.
  temporaryFiles: `
for folder in /tmp /var/tmp; do
  [ ! -d $folder ] || find $folder -xdev -mindepth 1 ! -path '/tmp/systemd-private-*' ! -path '/var/tmp/systemd-private-*' ! -name '.X*-unix' ! -name '.ICE-unix' ! -name '.font-unix' ! -name '.XIM-unix' -delete 2>/dev/null || true
done
`,
  // Emptied and not removed: their owners and modes stay, and who writes to them goes on.
  logs: `
if command -v journalctl >/dev/null 2>&1; then journalctl --rotate >/dev/null 2>&1 || true; journalctl --vacuum-time=1s >/dev/null 2>&1 || true; rm -rf /var/log/journal/*/*; fi
[ -d /var/log ] || exit 0
find /var/log -xdev -type f \\( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' -o -name '*.xz' \\) -delete
find /var/log -xdev -type f ! -path '/var/log/journal/*' -exec sh -c 'for f; do : >"$f"; done' sh {} +
`,
};

/** Removes what the settings name, or all of it. Throws ROOT_FAILED, ROOT_NOT_ROOT. */
export async function sealGuest(what: SealProps | 'all', guest: Communicator, ctx: Context): Promise<void> {
  const names = (Object.keys(parts) as (keyof SealProps)[]).filter(name => what === 'all' || what[name]);
  if (names.length > 0) await runAsRoot('Sealing the image', scriptOf(names), guest, ctx);
}

/** The script that removes all of it. For root. */
export const sealScript = (): string => scriptOf(Object.keys(parts) as (keyof SealProps)[]);

const scriptOf = (names: readonly (keyof SealProps)[]): string =>
  // Not `(…) || failed=…`: left of an operator a shell takes no notice of `set -e`.
  `failed=\n${names.map(name => `(set -e${parts[name]}) </dev/null\n[ $? = 0 ] || failed="$failed ${name}"\n`).join('')}if [ -n "$failed" ]; then echo "not removed:$failed" >&2; exit 1; fi\nsync\n`;
