// args: validate --var workers=four
import { App, ImageBuild, NullSource, Variable, SecretVariable, types, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const value = new Variable(app, 'workers', { default: 4 });
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$V"'], environment: { V: 'x' } })],
});
