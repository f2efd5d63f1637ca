// env: BAKE_VAR_tags=a,b
import { App, ImageBuild, NullSource, Variable, SecretVariable, types, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const value = new Variable(app, 'tags', { default: ['a', 'b'] });
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$V"'], environment: { V: 'x' } })],
});
