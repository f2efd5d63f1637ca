import { type App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';

export function web(app: App): void {
  new ImageBuild(app, 'web', {
    sources: [new NullSource({})],
    provisioners: [new ShellLocalProvisioner({ script: 'setup.sh' })],
  });
}
