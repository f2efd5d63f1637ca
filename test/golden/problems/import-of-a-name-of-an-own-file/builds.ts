import { App, ImageBuild, NullSource } from 'imagebake';
export function web(app: App): void { new ImageBuild(app, 'web', { sources: [new NullSource({})] }); }
