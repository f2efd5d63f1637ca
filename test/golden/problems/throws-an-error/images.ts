import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
function checked(name: string): string {
  if (name.length > 3) throw new Error(`${name} is too long`);
  return name;
}
new ImageBuild(app, checked('webserver'), { sources: [new NullSource({})] });
