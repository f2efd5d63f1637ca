import { expect, test } from 'vitest';
import { formatGoTime } from '../lib/go-time.js';

const date = new Date(Date.UTC(2026, 2, 4, 17, 6, 7, 120));

test.each([
  [undefined, '2026-03-04T17:06:07Z'], ['2006-01-02', '2026-03-04'], ['20060102150405', '20260304170607'], ['Mon Jan _2 15:04:05 MST 2006', 'Wed Mar  4 17:06:07 UTC 2026'],
  ['Monday, January 2 2006', 'Wednesday, March 4 2026'], ['3:04PM', '5:06PM'], ['03:04 pm', '05:06 pm'], ['15:04:05.000', '17:06:07.120'], ['15:04:05.999', '17:06:07.12'],
  ['06-1-2', '26-3-4'], ['002', '063'], ['2006-01-02T15:04:05-07:00', '2026-03-04T17:06:07+00:00'], ['release-2006', 'release-2026'],
])('%s is %s', (layout, expected) => { expect(formatGoTime(date, layout)).toBe(expected); });
