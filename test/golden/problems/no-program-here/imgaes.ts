import { App } from 'imagebake';

export const app = new App();
