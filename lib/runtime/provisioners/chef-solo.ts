import { readFileSync } from 'node:fs';
import type { chefSolo } from '../../constructs/provisioners/chef-solo.js';
import { errors, messageOf } from '../../errors.js';
import { isObject } from '../../json.js';
import type { Resolved } from '../../kinds.js';
import type { PreflightProblem, ProvisionerDriver } from '../driver.js';
import { fillTemplate, templateProblems, type TemplateValues } from '../formats/go-template.js';
import { becomeRoot, runInGuest, staged, type Staging } from '../guest/program.js';

const fail = errors('CHEF', {
  JSON: { message: (why: string) => `jsonString is no JSON object: ${why}.`, remedy: 'Write it as `json`, an object, where it holds no secret.' },
});
type Props = Resolved<typeof chefSolo>;
const execute = '{{if .Sudo}}sudo {{end}}chef-solo --no-color -c {{.ConfigPath}} -j {{.JsonPath}}';
const installer = 'https://omnitruck.chef.io/install.sh';
const install = `if command -v chef-solo >/dev/null 2>&1; then exit 0; fi
set -o pipefail 2>/dev/null || true
if command -v curl >/dev/null 2>&1; then curl -fsSL --retry 3 -o install-chef.sh ${installer}
elif command -v wget >/dev/null 2>&1; then wget -q -O install-chef.sh ${installer}
else echo 'The guest has neither curl nor wget.' >&2; exit 1; fi || exit
{{if .Sudo}}sudo {{end}}bash install-chef.sh{{if .Version}} -v {{.Version}}{{end}}`;
const config = `chef_license "{{.ChefLicense}}"
cookbook_path [{{.CookbookPaths}}]
{{if .HasRolesPath}}role_path "{{.RolesPath}}"
{{end}}{{if .HasDataBagsPath}}data_bag_path "{{.DataBagsPath}}"
{{end}}{{if .HasEncryptedDataBagSecretPath}}encrypted_data_bag_secret "{{.EncryptedDataBagSecretPath}}"
{{end}}{{if .HasEnvironmentsPath}}environment_path "{{.EnvironmentsPath}}"
{{end}}{{if .ChefEnvironment}}environment "{{.ChefEnvironment}}"
{{end}}`;
const meanings: { readonly [code: number]: string } = { 1: 'it failed', 35: 'a reboot is scheduled', 37: 'a reboot is needed', 41: 'a reboot failed', 42: 'an audit failed', 213: 'Chef upgraded itself, and must be run again' };
const paths = ['RolesPath', 'DataBagsPath', 'EncryptedDataBagSecretPath', 'EnvironmentsPath'] as const;
const configNames = ['CookbookPaths', 'ChefEnvironment', 'ChefLicense', ...paths, ...paths.map(name => `Has${name}`)];

export default {
  effects: 'guest',
  async preflight(props) {
    return [
      ...templateProblems(props.executeCommand, ['ConfigPath', 'JsonPath', 'Sudo'], 'executeCommand'), ...templateProblems(props.installCommand, ['Sudo', 'Version'], 'installCommand'),
      ...(props.configTemplate === undefined ? [] : templateProblems(readFileSync(props.configTemplate, 'utf8'), configNames, 'configTemplate')), ...jsonProblems(props),
    ];
  },
  run: (props, guest, ctx) => staged('The chef-solo provisioner', { folder: props.stagingDirectory }, guest, ctx, async staging => {
    const sudo = await becomeRoot(props.preventSudo, guest, ctx) !== '';
    if (!props.skipInstall) await runInGuest('installing Chef', `cd ${staging.path} || exit\n${fillTemplate(props.installCommand ?? install, { Sudo: sudo, Version: props.version ?? '' })}`, guest, ctx);
    const values = await send(props, staging), template = props.configTemplate === undefined ? config : readFileSync(props.configTemplate, 'utf8');
    const configPath = await staging.write(fillTemplate(template, values), 'solo.rb');
    const jsonPath = await staging.write(JSON.stringify({ ...attributesOf(props), ...(props.runList === undefined ? {} : { run_list: props.runList }) }, undefined, 2), 'node.json');
    await runInGuest('chef-solo', fillTemplate(props.executeCommand ?? execute, { ConfigPath: configPath, JsonPath: jsonPath, Sudo: sudo }), guest, ctx, {
      meaning: code => meanings[code], install: 'Let it be installed (leave skipInstall out), or say how it is run, with executeCommand.',
    });
  }),
} satisfies ProvisionerDriver<typeof chefSolo>;

/** Sends all that Chef reads; what a template of solo.rb may name. */
async function send(props: Props, staging: Staging): Promise<TemplateValues> {
  const cookbooks = [...props.remoteCookbookPaths ?? []];
  for (const [i, path] of (props.cookbookPaths ?? []).entries()) cookbooks.push(await staging.send(path, 'folder', `cookbooks-${i}`));
  const folder = async (path: string | undefined, name: string): Promise<string> => (path === undefined ? '' : staging.send(path, 'folder', name));
  const secret = props.encryptedDataBagSecretPath;
  const at = {
    RolesPath: await folder(props.rolesPath, 'roles'), DataBagsPath: await folder(props.dataBagsPath, 'data_bags'), EnvironmentsPath: await folder(props.environmentsPath, 'environments'),
    EncryptedDataBagSecretPath: secret === undefined ? '' : await staging.write(readFileSync(secret, 'utf8'), 'encrypted_data_bag_secret'),
  };
  return {
    ...at, ...Object.fromEntries(paths.map(name => [`Has${name}`, at[name] !== ''])),
    CookbookPaths: cookbooks.map(path => JSON.stringify(path)).join(', '), ChefEnvironment: props.chefEnvironment ?? '', ChefLicense: props.chefLicense,
  };
}

function attributesOf(props: Pick<Props, 'json' | 'jsonString'>): object {
  if (props.jsonString === undefined) return props.json as object | undefined ?? {};
  let value: unknown;
  // What the parser says quotes the text, which may be secret.
  try { value = JSON.parse(props.jsonString); } catch { throw fail.JSON('it cannot be read'); }
  if (!isObject(value)) throw fail.JSON('it is something else');
  return value;
}

function jsonProblems(props: Partial<Props>): PreflightProblem[] {
  if (typeof props.jsonString !== 'string') return [];
  try { attributesOf(props); return []; } catch (error) { return [{ code: 'CHEF_JSON', field: 'jsonString', message: messageOf(error) }]; }
}
