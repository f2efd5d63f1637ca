import { describe, expect, test } from 'vitest';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { formatProblem } from '../../lib/problems.js';
import { goldens } from './golden.js';

// After a change that is meant: npx vitest run test/packer/golden.test.ts -u
describe.each(goldens)('$name', ({ name, app }) => {
  const hcl = toPackerHcl(app), json = toPackerJson(app);

  test('its HCL is the golden one', async () => {
    for (const [file, text] of Object.entries(hcl.files)) await expect(text).toMatchFileSnapshot(`../golden/packer/${name}/${file}`);
  });
  test('its JSON is the golden one', async () => {
    for (const [file, text] of Object.entries(json.files)) await expect(text).toMatchFileSnapshot(`../golden/packer/${name}/${file}`);
  });
  test('what the formats cannot say is said', async () => {
    const said = [['HCL', hcl], ['JSON', json]].map(([format, { problems }]: any) => `${format}\n${problems.map((p: any) => `${formatProblem({ ...p, at: undefined })}\n`).join('')}`).join('\n');
    await expect(said).toMatchFileSnapshot(`../golden/packer/${name}/problems.txt`);
  });
  test('the same program gives the same bytes, and split files hold the same blocks', () => {
    expect(toPackerHcl(app)).toEqual(hcl);
    const blocks = (text: string): string[] => text.trim().split(/\n\n(?=\S)/).sort();
    const split = Object.entries(toPackerHcl(app, { split: true }).files).filter(([file]) => file.endsWith('.pkr.hcl')).map(([, text]) => text);
    expect(split.flatMap(blocks).sort()).toEqual(blocks(hcl.files['packer.pkr.hcl']!));
  });
});
