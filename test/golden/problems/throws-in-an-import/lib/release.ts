import type { App } from 'imagebake';

export function release(_app: App): void {
  JSON.parse('{ version: 1 }');
}
