import type { Policy } from '../constructs/policy.js';
import { componentsOf, type PolicyOptions, propsOf, reporter, textsIn } from './reading.js';

const shell = String.raw`(?:sudo\s+(?:-\S+\s+)*)?(?:env\s+(?:\S+=\S*\s+)*)?(?:\S*\/)?(?:(?:ba|da|z|k|a|fi)?sh|python[\d.]*|perl|ruby|node|php)\b`;
const fetcher = String.raw`(?:curl|wget|fetch|http|https)\b`;
const ways: readonly RegExp[] = [
  new RegExp(String.raw`${fetcher}[^\n;&]*?\|\s*${shell}`),
  // sh -c "$(curl …)", bash <(curl …), . <(curl …), eval "$(curl …)"
  new RegExp(String.raw`(?:${shell}(?:\s+-\S+)*|\beval|\bsource|(?:^|\s)\.)\s+["']?(?:\$\(|<\(|` + '`' + String.raw`)\s*${fetcher}`),
  /\b(?:iex|Invoke-Expression)\b[^\n]*\b(?:iwr|irm|curl|wget|Invoke-WebRequest|Invoke-RestMethod|DownloadString)\b/i,
  /\b(?:iwr|irm|Invoke-WebRequest|Invoke-RestMethod|DownloadString)\b[^\n]*\|\s*(?:iex|Invoke-Expression)\b/i,
];

/** A program from the web that is run as it comes: unchecked, and cut off in the middle when the connection breaks. */
export const curlPipeShell = (options: PolicyOptions = {}): Policy => ({
  id: 'curl-pipe-shell',
  check(build, report) {
    const found = reporter(report, options);
    for (const component of componentsOf(build)) {
      for (const { at, text } of textsIn(build, propsOf(component))) {
        // A backslash at the end of a line joins it to the next.
        if (!ways.some(way => way.test(text.replaceAll('\\\n', ' ')))) continue;
        found({ component, field: at, message: 'a program from the web is run as it comes, unchecked', remedy: 'Download it to a file, check its sha256sum, then run it; or keep it beside the program and use script.' });
      }
    }
  },
});
