import { Size } from 'imagebake';

export const size = Size.gib(40);
