import { build } from './web.js';
build();
