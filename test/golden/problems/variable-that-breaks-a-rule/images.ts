import { App, ImageBuild, NullSource, Variable, SecretVariable, types, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const value = new Variable(app, 'version', {
  default: 'next',
  validate: [{ condition: v => /^\d+\.\d+$/.test(v), message: 'Write it as 1.2.' }],
});
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['echo "$V"'], environment: { V: value } })],
});
