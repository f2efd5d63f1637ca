import { App, ImageBuild, NullSource, ShellLocalProvisioner, Duration, Secret, text } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [
    // The only step there is.
    new ShellLocalProvisioner({ inline: ['true'], checkpoint: 'allways' } as never),
  ],
});
