import { App, ImageBuild, NullSource, ShellLocalProvisioner, Duration, Secret, text } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [
    // The only step there is.
    new ShellLocalProvisioner({ inline: ['sleep 60'], timeout: { $size: 30 } } as never),
  ],
});
