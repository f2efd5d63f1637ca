import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { puppetMasterless } from '../../constructs/provisioners/puppet-masterless.js';
import type { ProvisionerDriver } from '../driver.js';
import { templateProblems } from '../formats/go-template.js';
import { staged } from '../guest/program.js';
import { puppetTemplateNames, runPuppet } from '../guest/puppet.js';

const template = 'cd {{.WorkingDir}} && {{if ne .FacterVars ""}}{{.FacterVars}} {{end}}{{if .Sudo}}sudo -E {{end}}{{if ne .PuppetBinDir ""}}{{.PuppetBinDir}}/{{end}}puppet apply --detailed-exitcodes --color=false '
  + `{{if .Debug}}--debug {{end}}{{if ne .ModulePath ""}}--modulepath='{{.ModulePath}}' {{end}}{{if ne .HieraConfigPath ""}}--hiera_config='{{.HieraConfigPath}}' {{end}}`
  + '{{if ne .ExtraArguments ""}}{{.ExtraArguments}} {{end}}{{.ManifestFile}}';

export default {
  effects: 'guest',
  preflight: async props => templateProblems(props.executeCommand, [...puppetTemplateNames, 'ManifestFile', 'ManifestDir', 'ModulePath', 'HieraConfigPath'], 'executeCommand'),
  run: (props, guest, ctx) => staged('The puppet-masterless provisioner', { folder: props.stagingDirectory, clean: props.cleanStagingDirectory }, guest, ctx, async staging => {
    const manifests = props.manifestDir === undefined ? '' : await staging.send(props.manifestDir, 'folder', 'manifests');
    const file = props.manifestFile.replace(/\/+$/, ''), manifest = await staging.send(file, statSync(file).isDirectory() ? 'folder' : 'file', `manifests/${basename(file)}`);
    const modules: string[] = [];
    for (const path of props.modulePaths ?? []) modules.push(await staging.send(path, 'folder', `module-${modules.length}`));
    for (const path of props.hieraData ?? []) await staging.send(path, 'folder', basename(path));
    const hiera = props.hieraConfigPath === undefined ? '' : await staging.send(props.hieraConfigPath, 'file', 'hiera.yaml');
    await runPuppet(`puppet apply ${basename(file)}`, template, { ManifestFile: manifest, ManifestDir: manifests, ModulePath: modules.join(':'), HieraConfigPath: hiera }, staging.path, props, guest, ctx);
  }),
} satisfies ProvisionerDriver<typeof puppetMasterless>;
