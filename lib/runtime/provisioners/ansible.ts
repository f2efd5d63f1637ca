import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { ansible } from '../../constructs/provisioners/ansible.js';
import { errors } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import type { Context, Endpoint, ProvisionerDriver } from '../driver.js';
import { fileWithin } from '../host/file-within.js';
import { galaxyHas } from '../guest/galaxy.js';
import { fillTemplate, templateProblems } from '../formats/go-template.js';
import { programProblem, runHostProgram } from '../host/program.js';
import { runProcess } from '../host/process.js';

const fail = errors('ANSIBLE', {
  ENDPOINT: { message: (type: string) => `Ansible has no way into a guest that is reached by '${type}'.`, remedy: 'Reach the guest by SSH, or use a container.' },
  OUTSIDE: { message: (playbook: string, directory: string) => `The playbook ${playbook} does not lie in ${directory}.`, remedy: 'Name the folder that holds the playbook and all it uses.' },
});
type Props = Resolved<typeof ansible>;
const install = 'Install it: apt-get install ansible (Debian, Ubuntu), or pip install ansible-core.';

export default {
  effects: 'guest',
  async preflight(props, ctx) {
    return [...templateProblems(props.inventoryFileTemplate, ['HostAlias', 'Host', 'User', 'Port', 'Password'], 'inventoryFileTemplate'), ...programProblem(props.command, 'command', install, ctx.programFolder), ...(props.galaxyFile === undefined ? [] : programProblem(props.galaxyCommand, 'galaxyCommand', install, ctx.programFolder))];
  },
  async run(props, guest, ctx) {
    const folder = mkdtempSync(join(ctx.temporaryFolder, 'a')), sockets = join(folder, 's');
    mkdirSync(sockets, { mode: 0o700 });
    const connection = connectionOf(guest.endpoint, props), cwd = props.directory?.replace(/\/$/, '') ?? ctx.programFolder;
    const roles = props.rolesPath ?? join(folder, 'roles'), collections = props.collectionsPath ?? join(folder, 'collections');
    const environment = {
      ANSIBLE_HOST_KEY_CHECKING: 'True', ANSIBLE_RETRY_FILES_ENABLED: 'False', ANSIBLE_LOCAL_TEMP: join(folder, 'tmp'), ANSIBLE_SSH_CONTROL_PATH_DIR: sockets, PYTHONUNBUFFERED: '1',
      // Few round trips: modules go over the connection that is there.
      ANSIBLE_PIPELINING: 'True', ...connection.environment,
      ...(props.galaxyFile === undefined ? {} : { ANSIBLE_ROLES_PATH: [roles, process.env['ANSIBLE_ROLES_PATH'] ?? '~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles', join(cwd, 'roles')].join(':'), ANSIBLE_COLLECTIONS_PATH: [collections, process.env['ANSIBLE_COLLECTIONS_PATH'] ?? '~/.ansible/collections:/usr/share/ansible/collections'].join(':') }),
      ...props.environment,
    };
    const inventory = inventoryFor(props, connection.variables, folder);
    try {
      if (props.galaxyFile !== undefined) await galaxy(props, props.galaxyFile, roles, collections, environment, cwd, ctx);
      const vars = { ...props.extraVars as object, ...props.secretVars };
      if (Object.keys(vars).length > 0) writeFileSync(join(folder, 'vars.json'), JSON.stringify(vars), { mode: 0o600 });
      await runHostProgram(`ansible-playbook ${basename(props.playbookFile)}`, programPath(props.command, ctx), [
        '-i', inventory.path, ...(Object.keys(vars).length > 0 ? ['-e', `@${join(folder, 'vars.json')}`] : []), ...props.extraArguments ?? [], playbookOf(props, cwd),
      ], ctx, { cwd, environment });
    } finally {
      if (props.keepInventoryFile && inventory.made) writeFileSync(join(ctx.run.folder, 'inventory.json'), readFileSync(inventory.path), { mode: 0o600 });
      if (inventory.made) rmSync(inventory.path, { force: true });
      await endMasters(sockets);
      rmSync(folder, { recursive: true, force: true });
    }
  },
} satisfies ProvisionerDriver<typeof ansible>;

/** How Ansible gets in: variables of the host, and environment. */
function connectionOf(endpoint: Endpoint, props: Props): { readonly variables: { readonly [name: string]: unknown }; readonly environment: { readonly [name: string]: string } } {
  switch (endpoint.type) {
    case 'ssh': {
      const options = [
        // The first of a kind counts for ssh, so the user's own come first.
        ...props.sshExtraArgs ?? [], '-F', '/dev/null', ...(endpoint.knownHostsFile === undefined ? ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'] : ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${endpoint.knownHostsFile}`]),
        ...(endpoint.identityFile === undefined ? [] : ['-o', 'IdentitiesOnly=yes']), ...(endpoint.proxyCommand === undefined ? [] : ['-o', `ProxyCommand=${endpoint.proxyCommand}`]),
      ];
      return {
        variables: {
          ansible_host: endpoint.host, ansible_port: endpoint.port, ansible_user: props.user ?? endpoint.user, ansible_ssh_common_args: options.map(word => (/[\s'"\\]/.test(word) ? `'${word.replaceAll("'", `'"'"'`)}'` : word)).join(' '),
          ...(endpoint.identityFile === undefined ? {} : { ansible_ssh_private_key_file: endpoint.identityFile }), ...(endpoint.password === undefined ? {} : { ansible_password: endpoint.password }),
        },
        environment: {},
      };
    }
    case 'docker': return {
      variables: { ansible_connection: 'docker', ansible_host: endpoint.container, ...(props.user ?? endpoint.user ? { ansible_user: props.user ?? endpoint.user } : {}) },
      environment: endpoint.dockerHost === undefined ? {} : { DOCKER_HOST: endpoint.dockerHost },
    };
    case 'winrm': return {
      variables: {
        ansible_connection: 'winrm', ansible_host: new URL(endpoint.url).hostname, ansible_port: Number(new URL(endpoint.url).port), ansible_user: props.user ?? endpoint.user, ansible_password: endpoint.password,
        ansible_winrm_scheme: new URL(endpoint.url).protocol.slice(0, -1), ansible_winrm_server_cert_validation: 'ignore',
      },
      environment: {},
    };
    case 'local': return { variables: { ansible_connection: 'local' }, environment: {} };
    default: throw fail.ENDPOINT(endpoint.type);
  }
}

function inventoryFor(props: Props, variables: { readonly [name: string]: unknown }, folder: string): { readonly path: string; readonly made: boolean } {
  if (props.inventoryFile !== undefined) return { path: props.inventoryFile, made: false };
  const host = { [props.hostAlias]: { ...variables, ...props.hostVars as object } };
  // Beside the group_vars of the user, where they are found; a name of its own, since steps of several targets may run at once.
  const path = join(props.inventoryDirectory ?? folder, `inventory-${basename(folder)}.${props.inventoryFileTemplate === undefined ? 'json' : 'ini'}`);
  if (props.inventoryFileTemplate !== undefined) {
    const line = fillTemplate(props.inventoryFileTemplate, { HostAlias: props.hostAlias, Host: text(variables['ansible_host']), User: text(variables['ansible_user']), Port: text(variables['ansible_port']), Password: text(variables['ansible_password']) });
    const groups = (props.groups ?? []).map(group => `[${group}]\n${line.trim()}\n`).concat((props.emptyGroups ?? []).map(group => `[${group}]\n`));
    writeFileSync(path, [`${line.trim()}\n`, ...groups].join('\n'), { mode: 0o600 });
  } else {
    const children = Object.fromEntries([...(props.groups ?? []).map(group => [group, { hosts: { [props.hostAlias]: {} } }]), ...(props.emptyGroups ?? []).map(group => [group, {}])]);
    writeFileSync(path, JSON.stringify({ all: { hosts: host, children } }, undefined, 2), { mode: 0o600 });
  }
  return { path, made: true };
}

/** A path is relative to the program's folder, whatever folder it is run in. */
const programPath = (command: string, ctx: Context): string => (command.includes('/') ? resolve(ctx.programFolder, command) : command);

const text = (value: unknown): string => (value === undefined ? '' : String(value as string | number));

/** The playbook inside the folder. */
function playbookOf(props: Props, cwd: string): string {
  if (props.directory === undefined) return props.playbookFile;
  const found = fileWithin(cwd, props.playbookFile);
  if (found === undefined) throw fail.OUTSIDE(props.playbookFile, cwd);
  return join(cwd, found);
}

async function galaxy(props: Props, file: string, roles: string, collections: string, environment: { readonly [name: string]: string }, cwd: string, ctx: Context): Promise<void> {
  const has = galaxyHas(readFileSync(file, 'utf8')), force = props.galaxyForceWithDeps ? ['--force-with-deps'] : props.galaxyForceInstall ? ['--force'] : [];
  if (has.roles) await runHostProgram('ansible-galaxy role install', programPath(props.galaxyCommand, ctx), ['role', 'install', '-r', file, '-p', roles, ...force], ctx, { cwd, environment });
  if (has.collections) await runHostProgram('ansible-galaxy collection install', programPath(props.galaxyCommand, ctx), ['collection', 'install', '-r', file, '-p', collections, ...force], ctx, { cwd, environment });
}

/** Ansible leaves ssh running for a minute after its end, for the next run; there is none. */
async function endMasters(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) await runProcess('ssh', ['-F', '/dev/null', '-O', 'exit', '-o', `ControlPath=${join(folder, name)}`, 'guest'], { timeout: 5000 }).catch(() => {});
}
