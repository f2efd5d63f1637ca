import type { Policy } from '../constructs/policy.js';
import { componentsOf, type PolicyOptions, propsOf, reporter, textsIn, unknownText } from './reading.js';

/** What secrets look like, and what they are called. */
const shapes: readonly (readonly [what: string, expression: RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b/],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20,}\b/],
  ['a Slack token', /\bxox[abprs]-[A-Za-z0-9-]{10,}\b/],
  ['a password in an address', /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@$'"{}]+:(?![$'"{])[^\s/@$'"{}]+@/i],
  ['a bearer token', /\bBearer\s+(?!\$)[A-Za-z0-9._~+/-]{16,}/],
];
/** `PASSWORD=hunter2`, `--password hunter2`, `"token": "…"`: a name that says secret, and a value that is no reference. */
const assigned = /(?:^|[\s"';&|(,{])[A-Za-z0-9_-]*(?:passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|token)["']?\s*(?:=|:\s|\s)\s*["']?([^\s"'$`{}()<>|;&,\\]{6,})/gi;
const secretName = /(?:passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|token)$/i;
/** Values that a line with such a name often has, and that are none. */
const harmless = /^(?:true|false|none|null|required|disabled|enabled|prohibit-password|\/\S*|\*+|x{3,}|<.*|--?\S*|auth\S*|for|from|the|and|file|files?|expired?|policy|changed?|authentication)$/i;

/** A secret that is written into the program: everyone who reads the program, the plan or a log reads it. */
export const secretInInlineText = (options: PolicyOptions = {}): Policy => ({
  id: 'secret-in-inline-text',
  check(build, report) {
    const found = reporter(report, options);
    for (const component of componentsOf(build)) {
      for (const { at, text } of textsIn(build, propsOf(component))) {
        const what = secretIn(text) ?? (secretName.test(at) && isValue(text) ? 'a secret' : undefined);
        // Not a word of the text itself: it may be just that.
        if (what !== undefined) found({ component, field: at, message: `this looks like ${what}, written out`, remedy: `Give it as Secret.env('NAME') or a SecretVariable, in a field that takes secrets (environment).` });
      }
    }
  },
});

function secretIn(text: string): string | undefined {
  const shape = shapes.find(([, expression]) => expression.test(text));
  if (shape !== undefined) return shape[0];
  for (const match of text.matchAll(assigned)) if (isValue(match[1]!)) return 'a secret';
  return undefined;
}

const isValue = (text: string): boolean => text.trim() !== '' && !text.includes(unknownText) && !/^[$%]/.test(text) && !harmless.test(text);
