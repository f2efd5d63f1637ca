/** What saved machines name outside the store: layers in a container engine, images of a cloud. Only their drivers know how to look at it. */
import { join } from 'node:path';
import type { Saved } from '../driver.js';
import type { Registry } from '../registry.js';
import type { CheckpointRecord } from './store.js';

export interface Outside {
  /** Whether it is all still there. Throws where that cannot be told. */
  intact(record: CheckpointRecord, saved: Saved): Promise<boolean>;
  /** Removes it. Throws where it may still be there. */
  forget(record: CheckpointRecord, saved: Saved): Promise<void>;
}

/** Asks the drivers of `registry`; without one, ours and those that a record says where to find. */
export function outsideOf(registry?: Registry): Outside {
  const driver = async ({ driver, outside }: CheckpointRecord) => {
    const from = registry ?? (await import('../registry.js')).makeRegistry({ requires: outside!.requires, from: join(outside!.from, 'package.json') });
    return from.driver(driver);
  };
  return {
    intact: async (record, saved) => record.outside === undefined || await (await driver(record)).intact?.(saved) !== false,
    forget: async (record, saved) => { if (record.outside !== undefined) await (await driver(record)).forget?.(saved); },
  };
}
