import { App, ImageBuild, NullSource, Variable, SecretVariable, types, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const value = new Variable(app, 'network', { type: types.object({ subnet: types.string, port: types.number }) as never, default: { subnet: 'a', port: 'b' } as never });
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$V"'], environment: { V: 'x' } })],
});
