import type { puppetServer } from '../../constructs/provisioners/puppet-server.js';
import type { ProvisionerDriver } from '../driver.js';
import { templateProblems } from '../formats/go-template.js';
import { staged } from '../guest/program.js';
import { puppetTemplateNames, runPuppet } from '../guest/puppet.js';

const template = '{{if ne .FacterVars ""}}{{.FacterVars}} {{end}}{{if .Sudo}}sudo -E {{end}}{{if ne .PuppetBinDir ""}}{{.PuppetBinDir}}/{{end}}puppet agent --onetime --no-daemonize --detailed-exitcodes --color=false --logdest=console '
  + `{{if .Debug}}--debug {{end}}{{if ne .PuppetServer ""}}--server='{{.PuppetServer}}' {{end}}{{if ne .PuppetNode ""}}--certname={{.PuppetNode}} {{end}}{{if ne .ClientCertPath ""}}--certdir='{{.ClientCertPath}}' {{end}}`
  + `{{if ne .ClientPrivateKeyPath ""}}--privatekeydir='{{.ClientPrivateKeyPath}}' {{end}}{{.ExtraArguments}}`;

export default {
  effects: 'guest',
  preflight: async props => templateProblems(props.executeCommand, [...puppetTemplateNames, 'PuppetServer', 'PuppetNode', 'ClientCertPath', 'ClientPrivateKeyPath'], 'executeCommand'),
  run: (props, guest, ctx) => staged('The puppet-server provisioner', { folder: props.stagingDirectory, clean: props.cleanStagingDirectory }, guest, ctx, async staging => {
    const certificates = props.clientCertPath === undefined ? '' : await staging.send(props.clientCertPath, 'folder', 'certs');
    const keys = props.clientPrivateKeyPath === undefined ? '' : await staging.send(props.clientPrivateKeyPath, 'folder', 'private_keys');
    await runPuppet('puppet agent', template, { PuppetServer: props.puppetServer ?? '', PuppetNode: props.puppetNode ?? '', ClientCertPath: certificates, ClientPrivateKeyPath: keys }, staging.path, props, guest, ctx);
  }),
} satisfies ProvisionerDriver<typeof puppetServer>;
