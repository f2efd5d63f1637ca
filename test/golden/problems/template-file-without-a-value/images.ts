import { App, ImageBuild, NullSource, ShellLocalProvisioner, Duration, Secret, text, templateFile } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [
    // The only step there is.
    new ShellLocalProvisioner({ inline: [templateFile('motd.tpl', { name: 'web' })] } as never),
  ],
});
