import { App, ImageBuild, NullSource, ShellLocalProvisioner, Duration, Secret, text } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [
    // The only step there is.
    new ShellLocalProvisioner({ script: 'scripts' } as never),
  ],
});
