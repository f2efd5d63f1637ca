import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { exactlyOne, must } from '../../rules.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of FileProvisioner. */
export const file = provisioner('file', {
  /** File or folder to send. A folder with a slash at its end stands for what is in it. A file that an earlier step makes: `generated('path')`. */
  source: field.path(),
  /** Files and folders to send; they are put into `destination`, each under its own name. */
  sources: field.list(field.path()),
  /** Content of the file, in place of one that is read here. */
  content: field.sensitiveString(),
  /** File or folder of the guest to bring here. The step runs again each time, unless `creates` names what it brings and that is there. */
  download: field.string({ packerName: 'source' }),
  /** Where it goes: the final path, whose parents are made. With a slash at its end: a folder to put it into. Of this computer for a `download` (relative to the program), of the guest for all others. */
  destination: field.string({ required: true }),
  /** Permissions of the file, in octal digits: `0644`. Left out: the file's own; 0644 for `content`. Folders keep the modes of what is in them. */
  mode: field.string({ packerName: false, check: (value: string) => /^0?[0-7]{3,4}$/.test(value) ? undefined : `'${value}' is no mode: write octal digits, such as '0644'` }),
  /** Owner of what is sent: `user`, `user:group` or `:group`. Left out: the user that is logged in. */
  owner: field.string({ packerName: false, check: (value: string) => /^[\w.-]*(:[\w.-]+)?$/.test(value) && value !== '' ? undefined : `'${value}' is no owner: write user, user:group or :group` }),
}, {
  rules: [
    exactlyOne('source', 'sources', 'content', 'download'),
    must(['content', 'destination'], 'content needs the path of a file as its destination', (isSet, valueOf) =>
      isSet('content') && typeof valueOf('destination') === 'string' && (valueOf('destination') as string).endsWith('/') ? 'has content, whose destination must be the path of a file, without a slash at its end' : undefined),
    must(['download', 'mode', 'owner'], 'mode and owner are for what is sent', isSet => isSet('download') && (isSet('mode') || isSet('owner')) ? `has a download, which takes no ${isSet('mode') ? 'mode' : 'owner'}` : undefined),
  ],
});

/** Options of Packer that file does not have, and why. */
export const fileWithout: { readonly [option: string]: string } = {
  direction: 'What is to be brought here is the `download`.',
  generated: `A file that an earlier step makes is written as such: generated('path').`,
};

type Props = PropsOf<typeof file.fields>;
export interface FileProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Sends files and folders to the guest, or brings them here. */
export class FileProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof file, O | V> {
  constructor(props: FileProvisionerProps<O, V>) { super(file, props); }
}
