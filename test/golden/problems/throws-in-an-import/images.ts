import { App } from 'imagebake';
import { release } from './lib/release.js';

const app = new App();
release(app);
