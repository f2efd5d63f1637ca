import { lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { file } from '../../constructs/provisioners/file.js';
import { errors } from '../../errors.js';
import type { Resolved } from '../../kinds.js';
import { reasonOf } from '../communicators/unix-files.js';
import { kindScript } from '../communicators/windows-scripts.js';
import type { Communicator, Context, ExecOptions, ProvisionerDriver } from '../driver.js';
import { powershellCommand } from '../guest/powershell.js';
import { quote, quotePath } from '../guest/quote.js';

const fail = errors('FILE', {
  MODE_OF_FOLDER: { message: (source: string) => `'mode' is for a file, and ${source} is a folder.`, remedy: 'Set the modes in the folder itself: they are kept.' },
  OWNER: { message: (owner: string, path: string, reason: string) => `'${path}' could not be given to '${owner}' in the guest: ${reason}.`, remedy: 'Only root may give files away: log in as root, or use a shell step with sudo.' },
  NO_OWNERS: { message: (field: string) => `'${field}' is for Unix guests, and this one runs Windows.`, remedy: 'Leave it out, and set rights with a powershell step (icacls).' },
  NOT_THERE: { message: (path: string) => `There is no '${path}' in the guest.`, remedy: 'Check the path, and that an earlier step makes it.' },
});
type Props = Resolved<typeof file>;

export default {
  // What comes to this computer must come again where it is not there; the guest is what it was.
  effects: props => props['download'] === undefined ? 'guest' : 'both',
  async preflight(props) {
    if (props.mode === undefined) return [];
    const folder = [props.source, ...props.sources ?? []].find(path => path !== undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory());
    if (folder === undefined) return [];
    const { code, message, remedy } = fail.MODE_OF_FOLDER(folder);
    return [{ code, message, field: 'mode', ...(remedy === undefined ? {} : { remedy }) }];
  },
  async run(props, guest, ctx) {
    const windows = guest.guest === 'windows', destination = windows && props.download === undefined ? slashes(props.destination) : props.destination, unfit = (['mode', 'owner'] as const).find(field => props[field] !== undefined);
    if (windows && unfit !== undefined) throw fail.NO_OWNERS(unfit);
    if (props.download !== undefined) return bring(windows ? slashes(props.download) : props.download, destination, guest, ctx);
    if (props.content !== undefined) {
      await guest.upload(Buffer.from(props.content), destination, { mode: modeOf(props) ?? 0o644, signal: ctx.signal });
      return own(props, destination, undefined, guest, ctx);
    }
    const several = props.sources !== undefined;
    for (const source of props.sources ?? [props.source!]) await send(source, several ? intoFolder(destination) : destination, props, guest, ctx);
  },
} satisfies ProvisionerDriver<typeof file>;

async function send(source: string, destination: string, props: Props, guest: Communicator, ctx: Context): Promise<void> {
  const inside = source.endsWith('/'), from = source.replace(/\/+$/, ''), into = destination.endsWith('/');
  const to = into && !inside ? destination + basename(from) : bare(destination);
  const stats = statSync(from), total = stats.isDirectory() ? undefined : stats.size;
  let done = 0;
  const options = { signal: ctx.signal, progress: (bytes: number) => { done += bytes; ctx.progress(basename(from), done, total, 'bytes'); } };
  if (stats.isDirectory()) {
    if (props.mode !== undefined) throw fail.MODE_OF_FOLDER(from);
    await guest.uploadFolder(from, to, options);
    return own(props, to, from, guest, ctx);
  }
  const mode = modeOf(props);
  await guest.upload(from, to, { ...options, ...(mode === undefined ? {} : { mode }) });
  return own(props, to, undefined, guest, ctx);
}

/** Gives away what was sent, and nothing else that lies in the same folder. */
async function own({ owner }: Props, to: string, folder: string | undefined, guest: Communicator, ctx: Context): Promise<void> {
  if (owner === undefined) return;
  let said = '';
  const options: ExecOptions = { signal: ctx.signal, stderr: chunk => { said = (said + Buffer.from(chunk).toString()).slice(-2048); } };
  const exit = folder === undefined ? await guest.exec(`chown ${quote(owner)} ${quotePath(to)}`, options)
    : await guest.exec(`cd ${quotePath(to)} && xargs -0 chown -h ${quote(owner)}`, { ...options, stdin: `.\0${[...names(folder, '.')].join('\0')}\0` });
  if (exit.how !== 'exited' || exit.code !== 0) throw fail.OWNER(owner, to, reasonOf(exit, said));
}

function* names(folder: string, at: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    yield `${at}/${name}`;
    if (lstatSync(join(folder, name)).isDirectory()) yield* names(join(folder, name), `${at}/${name}`);
  }
}

async function bring(source: string, destination: string, guest: Communicator, ctx: Context): Promise<void> {
  const inside = source.endsWith('/'), from = bare(source), name = from.slice(from.lastIndexOf('/') + 1);
  const to = resolve(ctx.programFolder, destination.endsWith('/') && !inside ? destination + name : destination);
  const kind = await guest.exec(guest.guest === 'windows' ? powershellCommand(kindScript(from)) : `if [ -d ${quotePath(from)} ]; then exit 10; elif [ -e ${quotePath(from)} ]; then exit 11; fi`, { signal: ctx.signal });
  if (kind.how === 'exited' && kind.code === 10) return guest.downloadFolder(from, to, { signal: ctx.signal });
  if (kind.how === 'exited' && kind.code === 0) throw fail.NOT_THERE(from);
  return guest.download(from, to, { signal: ctx.signal });
}

const modeOf = ({ mode }: Props): number | undefined => mode === undefined ? undefined : Number.parseInt(mode, 8);
/** Both kinds of slash mean the same to Windows. */
const slashes = (path: string): string => path.replaceAll('\\', '/');
/** Without the slashes at its end; `/` and `C:/` are nothing without theirs. */
const bare = (path: string): string => /^([A-Za-z]:)?\/$/.test(path) ? path : path.replace(/(?<=.)\/+$/, '');
const intoFolder = (path: string): string => path.endsWith('/') ? path : `${path}/`;
