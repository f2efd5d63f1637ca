import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new (ShellLocalProvisioner as new (...props: unknown[]) => ShellLocalProvisioner)()],
});
