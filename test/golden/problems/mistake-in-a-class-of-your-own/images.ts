import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';

const app = new App();
class Hardened extends ShellLocalProvisioner {
  constructor(level: number) {
    super({ inline: [level as never] });
  }
}
new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: [new Hardened(3)] });
