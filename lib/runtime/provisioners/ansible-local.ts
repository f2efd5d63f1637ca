import { basename } from 'node:path';
import type { ansibleLocal } from '../../constructs/provisioners/ansible-local.js';
import type { Resolved } from '../../kinds.js';
import { readFileSync } from 'node:fs';
import type { Communicator, Context, ProvisionerDriver } from '../driver.js';
import { fileWithin } from '../host/file-within.js';
import { galaxyHas } from '../guest/galaxy.js';
import { runInGuest, staged, type Staging } from '../guest/program.js';
import { packerBuildName } from '../packer-names.js';
import { exports, quote, quotePath } from '../guest/quote.js';

type Props = Resolved<typeof ansibleLocal>;
const install = 'Install it in an earlier step: new PackagesProvisioner({ install: [\'ansible\'] }), or pip install ansible-core.';

export default {
  effects: 'guest',
  run: (props, guest, ctx) => staged('The ansible-local provisioner', { folder: props.stagingDirectory, clean: props.cleanStagingDirectory }, guest, ctx, async staging => {
    const playbooks = await send(props, staging), roles = props.galaxyRolesPath ?? `${staging.path}/roles`, collections = props.galaxyCollectionsPath ?? `${staging.path}/collections`;
    const inventory = props.inventoryFile === undefined ? await staging.write(inventoryOf(props.inventoryGroups ?? []), 'inventory') : await staging.send(props.inventoryFile, 'file');
    const vars = await staging.write(JSON.stringify({ ...ours(ctx), ...props.extraVars as object, ...props.secretVars }), '.vars.json');
    const collectionPaths = [collections, ...(props.collectionPaths ?? []).map(path => `${staging.path}/collections/${basename(path)}`), '~/.ansible/collections', '/usr/share/ansible/collections'];
    const start = `cd ${quotePath(staging.path)} || exit
${exports({
    PYTHONUNBUFFERED: '1', ANSIBLE_RETRY_FILES_ENABLED: 'False', ANSIBLE_LOCAL_TEMP: `${staging.path}/.tmp`,
    ANSIBLE_ROLES_PATH: [...new Set([`${staging.path}/roles`, roles]), '~/.ansible/roles', '/usr/share/ansible/roles', '/etc/ansible/roles'].join(':'), ANSIBLE_COLLECTIONS_PATH: collectionPaths.join(':'), ...props.environment,
  })}[ -e ~/.ansible ] || trap 'rm -rf ~/.ansible' EXIT`;
    if (props.galaxyFile !== undefined) await galaxy(props, props.galaxyFile, { roles, collections, start }, staging, guest, ctx);
    for (const playbook of playbooks) {
      await runInGuest(`ansible-playbook ${playbook}`, `${start}
${props.command} -c local -i ${quotePath(inventory)} -e ${quote(`@${vars}`)} ${[...props.extraArguments ?? [], quotePath(playbook)].map(word => quote(word)).join(' ')}`, guest, ctx, { install, meaning: code => meanings[code] });
    }
  }),
} satisfies ProvisionerDriver<typeof ansibleLocal>;

const meanings: { readonly [code: number]: string } = { 1: 'an error', 2: 'a task failed', 3: 'a host could not be reached', 4: 'the playbook cannot be read, or a host could not be reached', 5: 'wrong options' };

/** Sends all that the playbooks need; the playbooks, relative to the folder. */
async function send(props: Props, staging: Staging): Promise<string[]> {
  const { playbookDir } = props, files = props.playbookFiles ?? [props.playbookFile!];
  if (playbookDir !== undefined) await staging.send(playbookDir, 'folder', '.');
  const several = async (paths: readonly string[] | undefined, place: string): Promise<void> => { for (const path of paths ?? []) await staging.send(path, 'folder', `${place}/${basename(path)}`); };
  await several(props.playbookPaths, 'playbooks');
  await several(props.rolePaths, 'roles');
  await several(props.collectionPaths, 'collections');
  if (props.groupVars !== undefined) await staging.send(props.groupVars, 'folder', 'group_vars');
  if (props.hostVars !== undefined) await staging.send(props.hostVars, 'folder', 'host_vars');
  const playbooks: string[] = [];
  for (const file of files) {
    const there = playbookDir === undefined ? undefined : fileWithin(playbookDir.replace(/\/$/, ''), file);
    // Two playbooks of one name must not become one.
    const name = there ?? (playbooks.includes(basename(file)) ? `${playbooks.length}-${basename(file)}` : basename(file));
    if (there === undefined) await staging.send(file, 'file', name);
    playbooks.push(name);
  }
  return playbooks;
}

const inventoryOf = (groups: readonly string[]): string => ['127.0.0.1', ...groups.flatMap(group => [`[${group}]`, '127.0.0.1'])].join('\n') + '\n';

/** What playbooks written for Packer look for. */
function ours(ctx: Context): { readonly [name: string]: string } {
  const { httpAddress } = ctx.hostValues;
  return { packer_build_name: packerBuildName(ctx.build), packer_builder_type: ctx.build.sourceType, ...(httpAddress === undefined ? {} : { packer_http_addr: httpAddress }) };
}

async function galaxy(props: Props, file: string, at: { readonly roles: string; readonly collections: string; readonly start: string }, staging: Staging, guest: Communicator, ctx: Context): Promise<void> {
  const there = quotePath(await staging.send(file, 'file', `galaxy-${basename(file)}`)), has = galaxyHas(readFileSync(file, 'utf8')), force = props.galaxyForceInstall ? ' --force' : '';
  if (has.roles) await runInGuest('ansible-galaxy role install', `${at.start}\n${props.galaxyCommand} role install -r ${there} -p ${quotePath(at.roles)}${force}`, guest, ctx, { install });
  if (has.collections) await runInGuest('ansible-galaxy collection install', `${at.start}\n${props.galaxyCommand} collection install -r ${there} -p ${quotePath(at.collections)}${force}`, guest, ctx, { install });
}
