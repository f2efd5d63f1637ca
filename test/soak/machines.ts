import { series } from '../support/series.js';

export default series('Tests with real guests that take minutes: resumed and cold disks, graphs of guests, kills.', 'test/end-to-end', 'test/runtime/sources', 'test/runtime/provisioners');
