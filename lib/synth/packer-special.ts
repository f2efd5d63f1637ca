/** What a component says in other words than Packer does, beyond names and units. One function for a kind. */
import type { BodyContext, Draft } from './packer-component.js';
import type { BodyValue } from './packer-body.js';

type Finish = (draft: Draft, props: { readonly [name: string]: unknown }, context: BodyContext, defaults: boolean) => void;

const table: { readonly [kind: string]: Finish } = {
};

/** Where the image to start from goes, by kind of source: Packer's option, and what else says so. */
const bases: { readonly [kind: string]: { readonly option: string; readonly also?: { readonly [option: string]: BodyValue } } } = {
  'source/qemu': { option: 'iso_url', also: { disk_image: true, iso_checksum: 'none' } },
  'source/amazon-ebs': { option: 'source_ami' },
  'source/docker': { option: 'image', also: { pull: false } },
};

/** Finishes the body of a component that was made from its fields. */
export function finishBody(kind: string, props: { readonly [name: string]: unknown }, draft: Draft, context: BodyContext, defaults: boolean): void {
  const from = draft.attributes.get('\u0000from');
  if (from !== undefined) {
    draft.attributes.delete('\u0000from');
    const base = bases[kind];
    if (base !== undefined) {
      draft.attributes.set(base.option, from);
      for (const [option, value] of Object.entries(base.also ?? {})) draft.attributes.set(option, value);
    }
  }
  if (Object.hasOwn(table, kind)) table[kind]!(draft, props, context, defaults);
}
