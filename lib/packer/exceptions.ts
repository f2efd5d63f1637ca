/** Where our components and Packer's differ on purpose. */

/** Fields (by kind) whose default is Packer's default too: an export leaves them out where the program does. All other defaults are written. */
export const sameDefaults: { readonly [kind: string]: readonly string[] } = {
};

/** Options of Packer that a component of ours does not have, and why. */
export const withoutOption: { readonly [kind: string]: { readonly [option: string]: string } } = {
};
