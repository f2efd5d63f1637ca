/** What a file of requirements for ansible-galaxy asks for: the two are installed by different commands. A list without a heading is one of roles. */
export function galaxyHas(text: string): { readonly roles: boolean; readonly collections: boolean } {
  const collections = /^collections:/m.test(text);
  return { collections, roles: /^roles:/m.test(text) || (!collections && /^\s*-/m.test(text)) };
}
