/** Saved machines of QEMU that do not fit any more, or are damaged: what comes of it is right all the same, and it is said what was done. */
import { chmodSync, writeFileSync } from 'node:fs';
import { open, stat, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type QemuSourceProps, Size } from '../../../lib/index.js';
import { requires } from '../../support/machine.js';
import { buildAnd, makePlace, type Place, storeIn } from './qemu-builds.js';

const after = 'web/qemu after web/@test:disk:mark';

requires('qemu')('a saved machine of QEMU', () => {
  let place: Place, byte = 100;
  beforeAll(async () => { place = await makePlace(); }, 120_000);
  afterAll(async () => { await place?.[Symbol.asyncDispose](); });

  /** A QEMU that says it is another version. */
  const otherQemu = (): string => {
    const file = join(place.folder, '.bake/qemu-other');
    writeFileSync(file, '#!/bin/bash\n[ "$1" = --version ] && { echo "QEMU emulator version 99.0.0 (of the tests)"; exit; }\nexec -a qemu-system-other qemu-system-x86_64 "$@"\n');
    chmodSync(file, 0o755);
    return file;
  };
  const changes: { readonly [what: string]: { readonly change: () => Partial<QemuSourceProps>; readonly says: RegExp } } = {
    'with another version of QEMU': { change: () => ({ qemuBinary: otherQemu() }), says: /so the machine boots from its saved disk: QEMU was "\d+\..*", and is "99\.0\.0 \(of the tests\)"$/ },
    'with another processor': { change: () => ({ cpuModel: 'qemu64' }), says: /so the machine boots from its saved disk: the processor was "max", and is "qemu64"$/ },
    'with more memory': { change: () => ({ memory: Size.mib(96) }), says: /so the machine boots from its saved disk: the machine is another: no -m 64M any more; -m 96M is new$/ },
  };
  test.each(Object.keys(changes))('%s boots from its disk with no step repeated, and says why', async what => {
    const { wrong, ran, notes, warnings } = await buildAnd(place, byte++, changes[what]!.change());
    expect({ wrong, ran, warnings }).toEqual({ wrong: [], ran: ['resume', 'web/@test:disk:mark-3', 'capture'], warnings: [] });
    expect(notes.filter(note => note.startsWith('the saved memory cannot be used'))).toEqual([expect.stringMatching(changes[what]!.says)]);
  }, 120_000);

  const damaged = async (blob: string, damage: (file: string) => Promise<void>): Promise<string> => {
    const store = storeIn(place.folder), saved = (await store.list()).find(({ record }) => record.label === `${after}-2` && record.blobs[blob] !== undefined)!, file = store.blobs.path(saved.record.blobs[blob]!.digest);
    await damage(file);
    return file;
  };

  const damages: { readonly [what: string]: { readonly blob: string; readonly damage: (file: string) => Promise<void> } } = {
    'whose memory has another byte': { blob: 'memory', damage: file => flipByte(file, 1024) },
    'whose disk is cut off': { blob: 'disk-0-1', damage: file => truncate(file, 1000) },
  };
  test.each(Object.keys(damages))('%s is not gone on from: the one before it is, and it is said', async what => {
    const { blob, damage } = damages[what]!;
    // Also after the first of them: it was saved anew.
    const file = await damaged(blob, damage), { wrong, ran, warnings } = await buildAnd(place, byte++);
    expect({ wrong, ran }).toEqual({ wrong: [], ran: ['resume', 'web/@test:disk:mark-2', 'web/@test:disk:mark-3', 'capture'] });
    expect(warnings).toEqual([expect.stringContaining(`What was saved of ${after}-2 is not used, and is made again: its ${blob} (${file}) is damaged.`)]);
  }, 120_000);

  test('whose memory QEMU refuses, as it came to be wrong behind the store\'s back, boots from its disk with no step repeated, and says why', async () => {
    await damaged('devices', async of => {
      const { atime, mtime } = await stat(of);
      await flipByte(of, 0);
      await utimes(of, atime, mtime);
    });
    // The store is verified after the build, and finds it.
    const { wrong, ran, notes, warnings } = await buildAnd(place, byte++);
    expect({ wrong: wrong.filter(line => !line.startsWith('the store: ')), ran, warnings }).toEqual({ wrong: [], ran: ['resume', 'web/@test:disk:mark-3', 'capture'], warnings: [] });
    expect(notes.filter(note => note.startsWith('the saved memory cannot be used'))).toEqual([expect.stringMatching(/so the machine boots from its saved disk: QEMU does not take the saved memory: .+/)]);
  }, 120_000);
});

async function flipByte(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const one = Buffer.alloc(1);
    await handle.read(one, 0, 1, at);
    await handle.write(Buffer.from([one[0]! ^ 0xff]), 0, 1, at);
  } finally { await handle.close(); }
}
