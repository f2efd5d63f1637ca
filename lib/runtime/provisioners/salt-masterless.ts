import type { saltMasterless } from '../../constructs/provisioners/salt-masterless.js';
import type { Resolved } from '../../kinds.js';
import type { Communicator, Context, ProvisionerDriver } from '../driver.js';
import { becomeRoot, runInGuest, staged, type Staging } from '../guest/program.js';
import { quote, quotePath } from '../guest/quote.js';

type Props = Resolved<typeof saltMasterless>;
const bootstrapUrl = 'https://github.com/saltstack/salt-bootstrap/releases/latest/download/bootstrap-salt.sh';
const meanings: { readonly [code: number]: string } = { 1: 'states or pillars cannot be read', 2: 'states failed' };

export default {
  effects: 'guest',
  run: (props, guest, ctx) => staged('The salt-masterless provisioner', { folder: props.tempConfigDir }, guest, ctx, async staging => {
    const root = await becomeRoot(props.disableSudo, guest, ctx), call = props.saltBinDir === undefined ? 'salt-call' : `${props.saltBinDir.replace(/\/$/, '')}/salt-call`;
    if (!props.skipBootstrap) await bootstrap(props, call, root, staging, guest, ctx);
    const configured = props.minionConfig !== undefined, lasting: string[] = [];
    const place = async (from: string, kind: 'file' | 'folder', name: string, to: string | undefined): Promise<string> => {
      const there = await staging.send(from, kind, name);
      if (to === undefined) return there;
      const target = quotePath(to.replace(/(?<=.)\/+$/, ''));
      lasting.push(`${root}mkdir -p "$(dirname ${target})"`, ...(kind === 'folder' ? [`${root}rm -rf ${target}`] : []), `${root}cp -R ${quotePath(there)} ${target}`);
      return to;
    };
    const states = await place(props.localStateTree, 'folder', 'states', props.remoteStateTree ?? (configured ? '/srv/salt' : undefined));
    const pillars = props.localPillarRoots === undefined ? props.remotePillarRoots : await place(props.localPillarRoots, 'folder', 'pillar', props.remotePillarRoots ?? (configured ? '/srv/pillar' : undefined));
    if (props.minionConfig !== undefined) await place(props.minionConfig, 'file', 'minion', '/etc/salt/minion');
    if (props.grainsFile !== undefined) await place(props.grainsFile, 'file', 'grains', '/etc/salt/grains');
    if (lasting.length > 0) await runInGuest('putting Salt\'s files in their place', `set -e\n${lasting.join('\n')}`, guest, ctx);
    const roots = configured ? '' : ` --file-root=${quote(states)}${pillars === undefined ? '' : ` --pillar-root=${quote(pillars)}`}`;
    const what = props.customState === undefined ? 'state.highstate' : `state.sls ${quote(props.customState)}`;
    await runInGuest(`salt-call ${what}`, `cd ${quotePath(staging.path)} && ${root}${quote(call)} --local ${what}${roots} --retcode-passthrough -l ${props.logLevel} ${props.saltCallArgs ?? ''}`, guest, ctx, {
      letPass: props.noExitOnFailure ? { by: 'noExitOnFailure', code: 'SALT_IGNORED' } : undefined, meaning: c => meanings[c], install: 'Let it be installed (leave skipBootstrap out), or say where it is, with saltBinDir.',
    });
  }),
} satisfies ProvisionerDriver<typeof saltMasterless>;

async function bootstrap(props: Props, call: string, root: string, staging: Staging, guest: Communicator, ctx: Context): Promise<void> {
  const script = props.bootstrapScript === undefined ? `${staging.path}/bootstrap-salt.sh` : await staging.send(props.bootstrapScript, 'file', 'bootstrap-salt.sh');
  const fetch = `if command -v curl >/dev/null 2>&1; then curl -fsSL --retry 3 -o ${quotePath(script)} ${bootstrapUrl}
elif command -v wget >/dev/null 2>&1; then wget -q -O ${quotePath(script)} ${bootstrapUrl}
else echo 'The guest has neither curl nor wget.' >&2; exit 1; fi || exit`;
  await runInGuest('installing Salt', `if ${root}sh -c 'command -v "$0" >/dev/null 2>&1' ${quote(call)}; then exit 0; fi
${props.bootstrapScript === undefined ? fetch : ''}
${root}sh ${quotePath(script)} ${props.bootstrapArgs ?? ''}`, guest, ctx);
}
