import { series } from '../support/series.js';

export default series('The contract of communicators in full: every exit code, a file of 1 GB, a minute and a half of silence; ssh, docker, local.', 'test/runtime/communicators');
