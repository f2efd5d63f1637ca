// env: BAKE_VAR_pin=hunter2
import { App, ImageBuild, NullSource, Variable, SecretVariable, types, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const value = new Variable(app, 'pin', { sensitive: true, default: 0 });
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$V"'], environment: { V: 'x' } })],
});
