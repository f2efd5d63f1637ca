/**
 * Keeps secrets out of everything that leaves the run. Text is read once, by an automaton over all forms of all secrets (Aho and Corasick),
 * so that a stream can be read in pieces: what may be the beginning of a secret is held back until more is known.
 */
import { formsOf, shortestSecret } from './redact-forms.js';

export const mask = '***';

interface Node { readonly next: Map<number, Node>; fail: Node | undefined; readonly depth: number; /** Length of the longest form that ends here; 0: none. */ longest: number }

/** Built once per set of secrets. */
class Automaton {
  readonly root: Node = { next: new Map(), fail: undefined, depth: 0, longest: 0 };
  constructor(forms: Iterable<string>) {
    for (const form of forms) {
      let node = this.root;
      for (let i = 0; i < form.length; i++) {
        const code = form.charCodeAt(i);
        let child = node.next.get(code);
        if (!child) node.next.set(code, child = { next: new Map(), fail: this.root, depth: node.depth + 1, longest: 0 });
        node = child;
      }
      node.longest = form.length;
    }
    const queue = [...this.root.next.values()];
    for (let node = queue.shift(); node; node = queue.shift()) {
      for (const [code, child] of node.next) {
        let fail = node.fail;
        while (fail && !fail.next.has(code)) fail = fail.fail;
        child.fail = fail?.next.get(code) ?? this.root;
        child.longest = Math.max(child.longest, child.fail.longest);
        queue.push(child);
      }
    }
  }
  step(from: Node, code: number): Node {
    let node: Node | undefined = from;
    while (node) {
      const next = node.next.get(code);
      if (next) return next;
      node = node.fail;
    }
    return this.root;
  }
}

/** Reads a stream of text in pieces and gives it out without secrets. */
export interface RedactingStream {
  /** The text that is safe to show now. */
  push(text: string): string;
  /** The rest. */
  end(): string;
}

export interface Redactor {
  /** Hides a text from here on. False: it is too short to be hidden. */
  add(secret: string): boolean;
  /** A text without secrets. */
  text(text: string): string;
  /** A copy of plain data with every text in it redacted; the same object where nothing was. */
  deep<T>(value: T): T;
  stream(): RedactingStream;
}

export function makeRedactor(): Redactor {
  const secrets = new Set<string>();
  let automata: readonly [literal: Automaton, wrapped: Automaton] | undefined;
  const build = (): readonly [Automaton, Automaton] => {
    const forms = [...secrets].map(formsOf);
    return [new Automaton(forms.flatMap(f => f.literal)), new Automaton(forms.flatMap(f => f.wrapped))];
  };
  const current = (): readonly [Automaton, Automaton] => automata ??= build();

  function stream(): RedactingStream {
    /** Text not given out yet, and where in it the reading stands. */
    let held = '', read = 0, known: readonly [Automaton, Automaton] | undefined;
    let literal: Node, wrapped: Node;
    /** Where in `held` the characters stand that the second automaton is inside of. */
    let places: number[] = [], found: [start: number, end: number][] = [];
    const restart = (): void => { [literal, wrapped] = current().map(a => a.root) as [Node, Node]; known = current(); read = 0; places = []; found = []; };
    const advance = (): void => {
      const [literals, wraps] = known!;
      for (; read < held.length; read++) {
        const code = held.charCodeAt(read);
        literal = literals.step(literal, code);
        if (literal.longest > 0) found.push([read + 1 - literal.longest, read + 1]);
        if (code === 10 || code === 13) continue;
        wrapped = wraps.step(wrapped, code);
        if (wrapped.depth === 0) { if (places.length > 0) places = []; continue; }
        places.push(read);
        if (places.length > 4 * wrapped.depth + 64) places = places.slice(-wrapped.depth);
        if (wrapped.longest > 0) found.push([places[places.length - wrapped.longest]!, read + 1]);
      }
    };
    const give = (upTo: number): string => {
      const merged: [number, number][] = [];
      for (const [start, end] of found.sort((a, b) => a[0] - b[0])) {
        const last = merged.at(-1);
        if (last && start < last[1]) last[1] = Math.max(last[1], end);
        else merged.push([start, end]);
      }
      // A found secret that reaches into what is held back may still grow.
      for (const [start, end] of merged) if (start < upTo && end > upTo) upTo = start;
      let out = '', at = 0;
      for (const [start, end] of merged) {
        if (start >= upTo) break;
        out += held.slice(at, start) + mask;
        at = end;
      }
      out += held.slice(at, upTo);
      held = held.slice(upTo);
      read -= upTo;
      places = places.flatMap(p => (p < upTo ? [] : [p - upTo]));
      found = merged.flatMap(([s, e]) => (s < upTo ? [] : [[s - upTo, e - upTo] as [number, number]]));
      return out;
    };
    return {
      push(text) {
        if (secrets.size === 0 && held === '') return text;
        held += text;
        // A new secret may have begun in what is still here.
        if (known === undefined || known !== current()) restart();
        advance();
        const begun = Math.min(held.length - literal.depth, wrapped.depth === 0 ? held.length : places[places.length - wrapped.depth]!);
        return give(begun);
      },
      end() {
        if (held === '') return '';
        if (known !== current()) restart();
        advance();
        const out = give(held.length);
        restart();
        return out;
      },
    };
  }

  const text = (value: string): string => {
    if (secrets.size === 0 || value.length < shortestSecret) return value;
    const whole = stream();
    return whole.push(value) + whole.end();
  };
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const items = value.map(deep);
      return items.some((item, i) => item !== value[i]) ? items : value;
    }
    let changed = false;
    const members = Object.entries(value).map(([key, member]) => {
      const newKey = text(key), newMember = deep(member);
      changed ||= newKey !== key || newMember !== member;
      return [newKey, newMember] as const;
    });
    return changed ? Object.fromEntries(members) : value;
  };

  return {
    add(secret) {
      if (secret.trim().length < shortestSecret) return false;
      if (!secrets.has(secret)) { secrets.add(secret); automata = undefined; }
      return true;
    },
    text,
    deep: <T>(value: T): T => (secrets.size === 0 ? value : deep(value) as T),
    stream,
  };
}
