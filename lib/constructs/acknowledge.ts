/** Findings of policies that were looked at and accepted, with the reason. */
import type { Construct } from 'constructs';

export interface Acknowledgement {
  readonly policy: string;
  /** Stands in the plan, for whoever asks later. */
  readonly reason: string;
  /** Only for this component of the build: its path below the build (`vm`, `shell-2`, `hardened/shell`). */
  readonly component?: string | undefined;
}

const key = 'imagebake.acknowledged';

/**
 * Accepts the findings of a policy for a construct and all that is below it (the App, a build, a class of yours), for a reason that
 * stands in the plan.
 */
export function acknowledge(scope: Construct, policy: string, reason: string, component?: string): void {
  scope.node.addMetadata(key, { policy, reason, ...(component === undefined ? {} : { component }) } satisfies Acknowledgement);
}

/** What was accepted at a construct itself, in order. */
export function acknowledgementsOf(scope: Construct): readonly Acknowledgement[] {
  return scope.node.metadata.filter(entry => entry.type === key).map(entry => entry.data as Acknowledgement);
}
