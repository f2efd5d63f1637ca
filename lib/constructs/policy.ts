/** Policies: rules of an organization that every build is held to, found with the other problems before anything runs. */
import type { Component } from './component.js';
import type { ImageBuild } from './image-build.js';

export interface Finding {
  readonly message: string;
  readonly remedy?: string;
  /** The component it is about; the build when left out. Its place in the source is shown. */
  readonly component?: Component;
  /** The field inside the component. */
  readonly field?: string;
}

export interface Report {
  error(finding: Finding): void;
  warning(finding: Finding): void;
  info(finding: Finding): void;
}

export interface Policy {
  /** Stands in findings and in `acknowledge`: `no-unpinned-base`. */
  readonly id: string;
  /** Looks at a build and reports what is wrong. May run more than once; changes nothing. */
  check?(build: ImageBuild, report: Report): void;
  /** Adds steps to a build before it is checked: an agent, tags. Called once for each build. */
  extend?(build: ImageBuild): void;
}
