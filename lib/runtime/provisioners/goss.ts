import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { goss } from '../../constructs/provisioners/goss.js';
import type { Resolved } from '../../kinds.js';
import type { Communicator, Context, ProvisionerDriver } from '../driver.js';
import { becomeRoot, runInGuest, staged, type Staging } from '../guest/program.js';
import { exports, quote, quotePath } from '../guest/quote.js';

type Props = Resolved<typeof goss>;
const name = (path: string): string => basename(path.replace(/\/+$/, ''));
const isFolder = (path: string): boolean => statSync(path).isDirectory();

export default {
  effects: 'guest',
  run: (props, guest, ctx) => staged('The goss provisioner', { folder: props.remotePath }, guest, ctx, async staging => {
    const root = props.useSudo ? await becomeRoot(false, guest, ctx) : '', program = await installed(props, staging, guest, ctx);
    for (const test of props.tests) await staging.send(test, isFolder(test) ? 'folder' : 'file', name(test));
    const files = props.tests.filter(test => !isFolder(test)).map(name), first = props.gossFile ?? (files.length === 1 ? files[0]! : 'goss.yaml');
    const vars = [
      ...(props.varsFile === undefined ? [] : ['--vars', await staging.send(props.varsFile, 'file', `vars-${name(props.varsFile)}`)]), ...(props.varsInline === undefined ? [] : ['--vars-inline', JSON.stringify(props.varsInline)]),
    ];
    const options = [
      '--retry-timeout', seconds(props.retryTimeout?.$duration ?? 0), '--sleep', seconds(props.sleep.$duration), '--no-color', ...(props.format === undefined ? [] : ['--format', props.format]), ...(props.formatOptions === undefined ? [] : ['--format-options', props.formatOptions]),
    ];
    const words = [program, '--gossfile', first, ...vars, 'validate', ...options].map(quote).join(' ');
    await runInGuest(`goss validate ${first}`, `cd ${quotePath(staging.path)} || exit\n${exports(props.varsEnv ?? {})}${root === '' ? '' : 'sudo -E '}${words}`, guest, ctx, {
      letPass: props.inspect ? { by: 'inspect', code: 'GOSS_IGNORED' } : undefined, meaning: c => (c === 1 ? 'tests failed' : undefined), install: 'Let it be installed (leave skipInstall out), or say where it is, with downloadPath.',
    });
  }),
} satisfies ProvisionerDriver<typeof goss>;

const seconds = (milliseconds: number): string => `${milliseconds / 1000}s`;

/** Sees that goss is in the guest; its name or path there. */
async function installed(props: Props, staging: Staging, guest: Communicator, ctx: Context): Promise<string> {
  if (props.skipInstall) return props.downloadPath ?? 'goss';
  const to = props.downloadPath ?? `${staging.path}/.goss-program`, path = quotePath(to);
  if (props.binary !== undefined) {
    await guest.upload(props.binary, to, { mode: 0o755, signal: ctx.signal });
    return to;
  }
  const url = props.url === undefined ? `https://github.com/goss-org/goss/releases/download/v${props.version}/goss-linux-$arch` : '';
  const login = props.username === undefined && props.password === undefined ? undefined : `${props.username ?? ''}:${props.password ?? ''}`;
  // A password stands in no command line: printf is the shell's own, and curl reads it.
  const config = login === undefined ? '' : `printf '%s\\n' ${quote(`user = ${JSON.stringify(login)}`)} | `;
  await runInGuest('fetching goss', `arch=${props.arch === undefined ? '$(uname -m); case $arch in x86_64) arch=amd64;; aarch64) arch=arm64;; armv*) arch=arm;; i?86) arch=386;; esac' : quote(props.arch)}
url=${props.url === undefined ? `"${url}"` : quote(props.url)}
if command -v curl >/dev/null 2>&1; then ${config}curl -fsSL --retry 3${props.skipSsl ? ' -k' : ''}${login === undefined ? '' : ' -K -'} -o ${path} "$url"
elif ${login === undefined ? 'command -v wget >/dev/null 2>&1' : 'false'}; then wget -q${props.skipSsl ? ' --no-check-certificate' : ''} -O ${path} "$url"
else echo 'The guest has neither ${login === undefined ? 'curl nor wget' : 'curl, which a password needs, nor another way'}.' >&2; exit 1; fi || exit
chmod 755 ${path}`, guest, ctx);
  return to;
}
