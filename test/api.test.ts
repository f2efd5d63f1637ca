import { beforeAll, describe, expect, test } from 'vitest';
import { apiNow, apiText } from '../scripts/generate-api.js';

// It compiles the public modules: some seconds.
describe('API.md', () => {
  let text: string;
  beforeAll(async () => { text = await apiText(); }, 300_000);

  test('is what the sources make; after a change: npm run generate', () => {
    const now = apiNow().split('\n'), made = text.split('\n'), at = made.findIndex((line, i) => line !== now[i]);
    expect(at === -1 && now.length === made.length ? undefined : { line: at + 1, written: now[at], made: made[at] }).toBeUndefined();
  });

  test('says of every prop of every component what it is', () => {
    const components = text.slice(text.indexOf('\n## Components\n'), text.indexOf('\n## Command line\n'));
    expect(components.split('\n').filter(line => /^\| `.*\|\s*\|$/.test(line))).toEqual([]);
    expect(components.split('\n#### ').slice(1).filter(chapter => !/^\w+\n\n[A-Z]/.test(chapter)).map(chapter => chapter.slice(0, 80))).toEqual([]);
  });

  test('has every component, option, command and code', () => {
    for (const heading of ['#### QemuSource', '#### HttpData', '#### PackerVsphereIsoSource', '### bake build', '### Settings of every provisioner']) expect(text).toContain(`\n${heading}`);
    for (const part of ['`sshTimeout` duration', '`EXPORT_STRUCTURAL`', '`--format`', "Packer's option"]) expect(text).toContain(part);
  });
});
