import { App, ImageBuild, NullSource, ShellLocalProvisioner, Duration, Secret, text } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [
    // The only step there is.
    new ShellLocalProvisioner({
      inline: [
        'apt-get update', // first
        ['apt-get', 'install', `nginx${1 + 1}`],
        42,
      ],
    } as never),
  ],
});
