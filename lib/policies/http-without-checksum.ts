import type { Component } from '../constructs/component.js';
import type { ImageBuild } from '../constructs/image-build.js';
import type { Policy } from '../constructs/policy.js';
import { componentsOf, knownText, type PolicyOptions, propsOf, reporter } from './reading.js';

/** Fields that are downloaded, and the field that holds the checksum of each. */
const downloads: readonly (readonly [field: string, checksum: string])[] = [['isoUrl', 'isoChecksum'], ['isoUrls', 'isoChecksum'], ['diskImage', 'diskImageChecksum'], ['url', 'checksum'], ['sourceUrl', 'checksum']];

/** Something that is downloaded and not checked: what comes may be another thing, and over plain HTTP anyone on the way may change it. */
export const httpWithoutChecksum = (options: PolicyOptions = {}): Policy => ({
  id: 'http-without-checksum',
  check(build, report) {
    const found = reporter(report, options);
    for (const component of componentsOf(build)) {
      for (const [field, checksum] of downloads) {
        const [address] = addressesIn(build, component, field);
        if (address === undefined || isChecked(knownText(build, propsOf(component)[checksum]))) continue;
        found({ component, field, message: `${address} is downloaded, and what comes is not checked`, remedy: `Give its checksum: ${checksum}: 'sha256:…'.` });
      }
    }
  },
});

function addressesIn(build: ImageBuild, component: Component, field: string): string[] {
  const value = propsOf(component)[field];
  return (Array.isArray(value) ? value : [value]).map(v => knownText(build, v)).filter((text): text is string => text !== undefined && /^(https?|ftp):/i.test(text));
}

/** A list of checksums that is itself downloaded without any protection proves nothing. */
const isChecked = (checksum: string | undefined): boolean => checksum !== undefined && checksum !== '' && checksum !== 'none' && !/^file:(http|ftp):/i.test(checksum);
