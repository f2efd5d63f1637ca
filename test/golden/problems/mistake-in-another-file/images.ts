import { App } from 'imagebake';
import { web } from './builds/web.js';

web(new App());
