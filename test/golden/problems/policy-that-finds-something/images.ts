import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';

const app = new App();
app.addPolicy({
  id: 'no-curl',
  check(build, report) {
    for (const { component } of build.provisioners) {
      const { inline } = component.props as { inline?: string[] };
      inline?.forEach((line, i) => {
        if (line.startsWith('curl ')) report.error({ component, field: `inline[${i}]`, message: 'this step takes something from the network', remedy: 'Put the file beside the program.' });
      });
    }
  },
});
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({
    inline: [
      'cd /tmp',
      'curl -O https://example.com/x',
    ],
  })],
});
