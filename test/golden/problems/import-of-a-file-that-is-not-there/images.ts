import { App, ImageBuild, NullSource } from 'imagebake';
import { steps } from './shard.js';

const app = new App();
new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: steps });
