import { App, ImageBuild, NullSource, SleepProvisioner, Duration } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new SleepProvisioner({ duration: Duration.parse('5 minutes') })],
});
