import type { Policy } from '../constructs/policy.js';
import { isObject } from '../json.js';
import { knownText, type PolicyOptions, propsOf, reporter, sourcesOf, unknownText } from './reading.js';

export interface UnpinnedBaseOptions extends PolicyOptions {
  /** Takes images by a tag other than `latest` as pinned, though a tag can be moved. @default false */
  readonly allowTags?: boolean;
}

/** A base that may be another one tomorrow: a Docker image without a digest, the newest AMI that a filter finds. */
export const unpinnedBase = (options: UnpinnedBaseOptions = {}): Policy => ({
  id: 'unpinned-base',
  check(build, report) {
    const found = reporter(report, options);
    for (const component of sourcesOf(build)) {
      const { image, sourceAmiFilter } = propsOf(component), name = knownText(build, image);
      if (component.kind.type === 'docker' && name !== undefined && !isPinned(name, options.allowTags ?? false)) {
        found({ component, field: 'image', message: `'${name.replaceAll(unknownText, '…')}' may be another image tomorrow`, remedy: `Name it by its digest: image: '${name.split('@')[0]!.replaceAll(unknownText, '…')}@sha256:…' (docker buildx imagetools inspect shows it).` });
      }
      if (isObject(sourceAmiFilter) && sourceAmiFilter['mostRecent'] === true) {
        found({ component, field: 'sourceAmiFilter.mostRecent', message: 'the newest image that the filter finds may be another one tomorrow', remedy: 'Find it with a data source, whose answer images.lock keeps until bake update, or name it: sourceAmi.' });
      }
    }
  },
});

function isPinned(name: string, allowTags: boolean): boolean {
  // What is not known yet may well be a digest, and an id is one.
  if (/@(sha256:|\uFFFC)|^(sha256:)?[0-9a-f]{64}$|\uFFFC$/.test(name)) return true;
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  return allowTags && tag !== undefined && tag !== 'latest';
}
