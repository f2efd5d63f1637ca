/** Stores that cannot be used, as far as that can be had without a disk of their own; see `trouble.machine.test.ts`. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { App, ImageBuild } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { program, temporaryFolder } from '../../support/program.js';
import { Add, kinds, ScratchSource } from './scratch.js';

const two = (app: App): void => {
  for (const name of ['web', 'db']) new ImageBuild(app, name, { sources: [new ScratchSource({ image: 'base', output: `${name}.txt` })], provisioners: [new Add({ line: 'a' }), new Add({ line: name })] });
};

describe('a folder of checkpoints that cannot be used', () => {
  const places: { readonly [what: string]: (folder: string) => string } = {
    'is a file': folder => { writeFileSync(join(folder, 'file'), ''); return join(folder, 'file'); },
    'lies below a file': folder => { writeFileSync(join(folder, 'file'), ''); return join(folder, 'file/below/it'); },
    'lies where no folder can be made': () => '/proc/bake-test/checkpoints',
  };
  for (const [what, place] of Object.entries(places)) {
    it.skipIf(what.includes('no folder') && !existsSync('/proc/self'))(`as it ${what} costs no build, and is said once`, async () => {
      const root = place(await temporaryFolder()), { run, read } = await program(two);
      const result = await run({ kinds, checkpoints: { store: new CheckpointStore(root), save: 'always' } });
      expect([result.exit, await read('web.txt'), await read('db.txt')]).toEqual([0, 'base\na\nweb', 'base\na\ndb']);
      expect(result.warnings).toHaveLength(1);
      expect(result.warnings[0]).toMatch(/^There is no folder .* for checkpoints, and none can be made \(.*\)\. The build goes on, and does again the next time what cannot be saved\.\nName a folder in another place: BAKE_CHECKPOINT_DIR/);
    });
    it.skipIf(what.includes('no folder') && !existsSync('/proc/self'))(`as it ${what} is an error of ours to those who look after it`, async () => {
      const store = new CheckpointStore(place(await temporaryFolder()));
      for (const work of [...(what.startsWith('lies') ? [] : [() => store.prune({ all: true }), () => store.list(), () => store.size(), () => store.verify()]), () => store.lease('k'), () => store.turn('k')]) await expect(work()).rejects.toMatchObject({ code: 'STORE_NO_FOLDER' });
    });
  }
});
