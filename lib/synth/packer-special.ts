/** What a component says in other words than Packer does, beyond names and units. One function for a kind. */
import { isObject } from '../json.js';
import { isGenerated } from '../values.js';
import type { BodyValue } from './packer-body.js';
import type { BodyContext, Draft } from './packer-component.js';

type Props = { readonly [name: string]: unknown };
type Finish = (draft: Draft, props: Props, context: BodyContext) => void;

/** Where the image to start from goes, by kind of source: Packer's option, and what else says so. */
const bases: { readonly [kind: string]: { readonly option: string; readonly also?: { readonly [option: string]: BodyValue } } } = {
  'source/qemu': { option: 'iso_url', also: { disk_image: true, iso_checksum: 'none' } },
  'source/amazon-ebs': { option: 'source_ami' }, 'source/amazon-ebssurrogate': { option: 'source_ami' }, 'source/amazon-ebsvolume': { option: 'source_ami' },
  'source/docker': { option: 'image', also: { pull: false } },
};

const table: { readonly [kind: string]: Finish } = {
  'source/qemu': (draft, props, context) => {
    if (props['diskImage'] !== undefined || props['diskImageUrl'] !== undefined) {
      draft.attributes.set('disk_image', true);
      if (!draft.attributes.has('iso_checksum')) draft.attributes.set('iso_checksum', 'none');
    }
    const command = draft.attributes.get('boot_command');
    if (Array.isArray(command) && command.some(isScreenStep)) {
      draft.attributes.set('boot_command', command.map(entry => (isScreenStep(entry) ? '<wait10>' : (entry as BodyValue))));
      warn(context, 'EXPORT_SCREEN', 'boot.command', 'Packer cannot wait for what the screen shows: it waits ten seconds instead', 'Set the waits of the template by trying them out.');
    }
    const ssh = isObject(props['ssh']) ? (props['ssh'] as Props) : {};
    if (props['communicator'] !== 'none' && props['winrm'] === undefined && !['password', 'privateKeyFile', 'agentAuth'].some(way => ssh[way] !== undefined)) {
      warn(context, 'EXPORT_LOGIN', 'ssh', 'the key that is made for each run reaches the guest through a seed, which Packer does not make', 'Give the template a way to log in: ssh.password or ssh.privateKeyFile.');
    }
  },
  'provisioner/file': (draft, props) => {
    if (props['download'] !== undefined) draft.attributes.set('direction', 'download');
    if (isGenerated(props['source'])) draft.attributes.set('generated', true);
  },
  'provisioner/ansible-local': cleanStaging, 'provisioner/puppet-masterless': cleanStaging, 'provisioner/puppet-server': cleanStaging,
  'source/null': (draft, props, context) => {
    if (props['ssh'] !== undefined || props['winrm'] !== undefined) return;
    for (const option of [...draft.attributes.keys()]) if (option !== 'communicator') draft.attributes.delete(option);
    if (draft.attributes.get('communicator') === 'local') {
      warn(context, 'EXPORT_LOCAL', 'communicator', 'Packer cannot run the steps of a guest on this computer', 'Use shell-local provisioners in the template.');
    }
    draft.attributes.set('communicator', 'none');
  },
  'post-processor/compress': (draft, props, context) => {
    const { format, output } = props, ending = typeof format === 'string' ? format : typeof output === 'string' ? output : 'tar.gz';
    // Without it Packer's file has no ending.
    if (output === undefined) draft.attributes.set('output', `packer_{{.BuildName}}_{{.BuilderType}}.${ending}`);
    const codec = /(?:^|\.)(zst|bz2|tzst|tbz2|tgz|txz)$/.exec(ending)?.[1];
    if (codec !== undefined) warn(context, 'EXPORT_COMPRESS', format === undefined ? 'output' : 'format', `Packer does not know ${codec}: it makes a tar.gz, under the same name`, 'Take tar.gz, tar.xz, tar.lz4 or zip for both.');
  },
  'post-processor/vagrant': (draft, props) => {
    if (isGenerated(props['vagrantfileTemplate'])) draft.attributes.set('vagrantfile_template_generated', true);
  },
  'source/amazon-ebs': metadataByToken, 'source/amazon-ebssurrogate': metadataByToken, 'source/amazon-ebsvolume': metadataByToken,
};

/** Packer leaves what it has sent in the guest, where it is not told otherwise. */
function cleanStaging(draft: Draft, props: Props): void {
  if (props['stagingDirectory'] === undefined && props['cleanStagingDirectory'] === undefined) draft.attributes.set('clean_staging_directory', true);
}

/** Without it Packer starts instances that answer metadata requests of the first version. */
function metadataByToken(draft: Draft): void {
  if (!draft.blocks.has('metadata_options')) draft.blocks.set('metadata_options', { list: false, bodies: [{ attributes: new Map<string, BodyValue>([['http_tokens', 'required']]), blocks: new Map() }] });
}
const isScreenStep = (entry: unknown): boolean => isObject(entry) && 'screen' in entry;

/** Finishes the body of a component that was made from its fields. `whole`: not only the part that one source overrides. */
export function finishBody(kind: string, props: Props, draft: Draft, context: BodyContext, whole: boolean): void {
  const from = draft.attributes.get(fromMark);
  draft.attributes.delete(fromMark);
  const base = bases[kind];
  if (from !== undefined && base !== undefined) {
    draft.attributes.set(base.option, from);
    for (const [option, value] of Object.entries(base.also ?? {})) draft.attributes.set(option, value);
  }
  if (!whole) return;
  finishLogin(draft, props);
  if (Object.hasOwn(table, kind)) table[kind]!(draft, props, context);
}

/** Under this name a draft holds the image to start from, until it is known where that goes. */
export const fromMark = '\u0000from';

function finishLogin(draft: Draft, props: Props): void {
  if (props['winrm'] !== undefined) {
    for (const option of [...draft.attributes.keys()]) if (/^(ssh|temporary_key_pair)_/.test(option)) draft.attributes.delete(option);
    draft.attributes.set('communicator', 'winrm');
    return;
  }
  // Only defaults are there, unless it is Packer's own component with its own words.
  if (!Object.keys(props).some(name => name.startsWith('winrm'))) for (const option of [...draft.attributes.keys()]) if (option.startsWith('winrm_')) draft.attributes.delete(option);
  // It is what Packer does when nothing is said.
  if (draft.attributes.get('ssh_file_transfer_method') === 'auto') draft.attributes.delete('ssh_file_transfer_method');
  const given = isObject(props['ssh']) ? (props['ssh'] as Props) : {};
  if (given['temporaryKeyPairType'] === undefined && (given['password'] !== undefined || given['privateKeyFile'] !== undefined || given['agentAuth'] !== undefined)) draft.attributes.delete('temporary_key_pair_type');
}

function warn(context: BodyContext, code: string, field: string, message: string, remedy: string): void {
  context.report({ code, severity: 'warning', path: context.path, field, at: context.at, message, remedy });
}
