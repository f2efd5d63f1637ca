// args: validate --var-file prod.pkrvars.hcl
import { App, ImageBuild, NullSource, Variable, SecretVariable, types, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const value = new Variable(app, 'version', { default: '1.0' });
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$V"'], environment: { V: value } })],
});
