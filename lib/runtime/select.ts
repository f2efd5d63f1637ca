/** Which targets of a plan are built: only and except, with globs, and the bases that they need. */
import { errors, exitCodes } from '../errors.js';
import type { Target } from '../plan.js';
import { suggest } from '../suggest.js';

const fail = errors('SELECT', {
  NO_MATCH: {
    message: (pattern: string, near: string | undefined) => `'${pattern}' matches no target of this plan.${near === undefined ? '' : ` Did you mean '${near}'?`}`,
    remedy: 'Give target paths (web/qemu), builds (web), source names (qemu) or globs of these; `bake list` names them all.',
    exit: exitCodes.usage,
  },
  NOTHING: { message: () => 'Nothing is left to build: every target is excepted.', remedy: 'Give fewer patterns in except.', exit: exitCodes.usage },
});

export interface Selection {
  /** In the plan's order. */
  readonly targets: readonly Target[];
  /** Not asked for, but others stand on them: target -> one that needs it. */
  readonly needed: ReadonlyMap<string, string>;
}

/** Throws SELECT_NO_MATCH for a pattern without a target, SELECT_NOTHING where none is left. */
export function selectTargets(targets: readonly Target[], only: readonly string[] = [], except: readonly string[] = []): Selection {
  const names = (t: Target): readonly string[] => [t.path, t.build, t.name];
  const matching = (patterns: readonly string[]): Set<Target> => new Set(patterns.flatMap(pattern => {
    const matches = matcher(pattern), found = targets.filter(t => names(t).some(matches));
    if (found.length === 0) throw fail.NO_MATCH(pattern, suggest(pattern, new Set(targets.flatMap(names))));
    return found;
  }));
  const wanted = only.length === 0 ? new Set(targets) : matching(only);
  for (const target of matching(except)) wanted.delete(target);
  if (wanted.size === 0 && targets.length > 0) throw fail.NOTHING();
  const needed = new Map<string, string>(), byPath = new Map(targets.map(t => [t.path, t]));
  const queue = [...wanted];
  for (let target = queue.pop(); target; target = queue.pop()) {
    for (const path of target.after) {
      const base = byPath.get(path);
      if (!base || wanted.has(base) || needed.has(path)) continue;
      needed.set(path, target.path);
      queue.push(base);
    }
  }
  return { targets: targets.filter(t => wanted.has(t) || needed.has(t.path)), needed };
}

/** A glob as a test: `*` and `?` inside a part, `**` across parts, `{a,b}`, `[abc]`. */
export function matcher(pattern: string): (name: string) => boolean {
  let source = '', depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '*') {
      if (pattern[i + 1] === '*') { source += '.*'; i++; }
      else source += '[^/]*';
    } else if (c === '?') source += '[^/]';
    else if (c === '{') { source += '(?:'; depth++; }
    else if (c === '}' && depth > 0) { source += ')'; depth--; }
    else if (c === ',' && depth > 0) source += '|';
    else if (c === '[' && pattern.indexOf(']', i + 2) > 0) {
      const end = pattern.indexOf(']', i + 2);
      source += `[${pattern.slice(i + 1, end).replace(/^!/, '^').replace(/\\/g, '\\\\')}]`;
      i = end;
    } else source += c.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  const expression = new RegExp(`^${source}${')'.repeat(depth)}$`);
  return name => expression.test(name);
}
