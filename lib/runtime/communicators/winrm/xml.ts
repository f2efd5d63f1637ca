/** As much of XML as SOAP answers are made of: elements, attributes, text; no DTDs. */

export interface Element {
  /** Without its prefix: prefixes are each server's own choice. */
  readonly name: string;
  /** By local name. */
  readonly attributes: { readonly [name: string]: string };
  readonly children: readonly Element[];
  /** All text directly inside. */
  readonly text: string;
}

/** Text as it may stand between tags and in attributes. What XML cannot carry at all becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, c => `&#${c.charCodeAt(0)};`).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
}

const entities: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescape = (text: string): string => text.replace(/&(?:#(\d+)|#x([\da-fA-F]+)|(\w+));/g, (whole, decimal?: string, hex?: string, name?: string) =>
  decimal !== undefined ? String.fromCodePoint(Number(decimal)) : hex !== undefined ? String.fromCodePoint(Number.parseInt(hex, 16)) : entities[name!] ?? whole);
const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Reads a document; its outermost element. Throws an Error where it is none. */
export function readXml(document: string): Element {
  const root: { children: Element[]; text: string } = { children: [], text: '' }, open: { name: string; children: Element[]; text: string }[] = [{ name: '', ...root }];
  // A stream of 300 KB in one text node must not cost a regular expression its stack: text is found by indexOf.
  for (let at = 0; at < document.length;) {
    const next = document.indexOf('<', at), top = open.at(-1)!;
    if (next !== at) {
      const text = document.slice(at, next < 0 ? undefined : next);
      top.text += text.includes('&') ? unescape(text) : text;
      if (next < 0) break;
    }
    if (document.startsWith('<![CDATA[', next)) {
      const end = document.indexOf(']]>', next);
      if (end < 0) throw new Error('the XML is cut off');
      top.text += document.slice(next + 9, end);
      at = end + 3;
      continue;
    }
    const comment = document.startsWith('<!--', next), end = document.indexOf(comment ? '-->' : '>', next);
    if (end < 0) throw new Error('the XML is cut off');
    at = end + (comment ? 3 : 1);
    const tag = document.slice(next + 1, end);
    if (comment || tag.startsWith('?')) continue;
    if (tag.startsWith('!')) throw new Error('the XML has a document type');
    if (tag.startsWith('/')) {
      const done = open.pop()!;
      if (open.length === 0 || done.name !== tag.slice(1).trim()) throw new Error(`the XML closes <${tag.slice(1).trim()}>, which is not open`);
      continue;
    }
    const empty = tag.endsWith('/'), name = /^[^\s/]+/.exec(tag)?.[0] ?? '', attributes: { [name: string]: string } = {};
    for (const [, key, double, single] of tag.slice(name.length).matchAll(/([^\s=/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) attributes[local(key!)] = unescape(double ?? single!);
    const element = { name, attributes, children: [] as Element[], text: '' };
    // Its text is not there yet: a view of it is what its parent keeps.
    top.children.push({ name: local(name), attributes, children: element.children, get text() { return element.text; } });
    if (!empty) open.push(element);
  }
  const [first] = open[0]!.children;
  if (open.length !== 1 || first === undefined) throw new Error(open.length > 1 ? 'the XML is cut off' : 'it is no XML');
  return first;
}

/** The first element of that name anywhere inside, outermost first. */
export function find(element: Element, name: string): Element | undefined {
  for (const child of element.children) if (child.name === name) return child;
  for (const child of element.children) { const found = find(child, name); if (found) return found; }
  return undefined;
}
