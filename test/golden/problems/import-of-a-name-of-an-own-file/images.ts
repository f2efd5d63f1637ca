import { App } from 'imagebake';
import { web, db } from './builds.js';

const app = new App();
web(app);
db(app);
