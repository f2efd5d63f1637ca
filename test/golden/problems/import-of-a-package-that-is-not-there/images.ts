import { App, ImageBuild, NullSource } from 'imagebake';
import { hardening } from '@acme/images';

const app = new App();
new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: hardening() });
