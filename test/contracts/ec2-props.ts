import { userInfo } from 'node:os';
import { type AmazonEbsSourceProps, Duration } from '../../lib/index.js';

let names = 0;
/** A name that no other test has. */
export const newName = (): string => `image-${process.pid}-${names += 1}`;

/** Props of a source that fit every server of the tests. */
export const ebsProps = (port: number, more: object = {}): AmazonEbsSourceProps => ({
  region: 'eu-central-1', instanceType: 't3.small', sourceAmi: 'ami-00000000debian12', amiName: newName(), temporarySecurityGroupSourceCidrs: ['192.0.2.7/32'],
  polling: { delay: Duration.milliseconds(20), maxAttempts: 2000 }, ssh: { username: userInfo().username, port }, ...more,
} as AmazonEbsSourceProps);
