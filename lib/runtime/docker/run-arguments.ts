/** Arguments of `docker run`, as Packer's `run_command` has them, as the engine's API wants them. */
import { errors } from '../../errors.js';

const fail = errors('DOCKER_RUN', {
  UNKNOWN: { message: (flag: string) => `runCommand has '${flag}', which is no argument of docker run that is understood here.`, remedy: 'Take it out, or use a property of DockerSource instead (volumes, privileged, capAdd, device, tmpfs, runtime, platform).' },
  VALUE: { message: (flag: string, value: string) => `runCommand has '${flag}' with '${value}', which is no value for it.` },
  MISSING: { message: (flag: string) => `runCommand ends after '${flag}', which needs a value.` },
});

/** The parts of a container's description that arguments can set. */
export interface RunSettings {
  entrypoint?: string[];
  command?: string[];
  config: { [key: string]: unknown };
  host: { [key: string]: unknown };
}
type Apply = (settings: RunSettings, value: string, flag: string) => void;

const add = (part: 'config' | 'host', key: string, convert: (value: string) => unknown = v => v): Apply => (s, value) => { s[part][key] = [...(s[part][key] as unknown[] ?? []), convert(value)]; };
const set = (part: 'config' | 'host', key: string, convert: (value: string, flag: string) => unknown = v => v): Apply => (s, value, flag) => { s[part][key] = convert(value, flag); };
const put = (part: 'config' | 'host', key: string, separator: string): Apply => (s, value) => {
  const [name = '', ...rest] = value.split(separator);
  s[part][key] = { ...(s[part][key] as object ?? {}), [name]: rest.join(separator) };
};
const bytes = (value: string, flag: string): number => {
  const match = /^(\d+)([bkmg]?)b?$/i.exec(value);
  if (!match) throw fail.VALUE(flag, value);
  return Number(match[1]) * 1024 ** 'bkmg'.indexOf((match[2] || 'b').toLowerCase());
};
const number = (value: string, flag: string): number => { if (!/^\d+(\.\d+)?$/.test(value)) throw fail.VALUE(flag, value); return Number(value); };
const ignored: Apply = () => {};

/** `/dev/a:/dev/b:rwm` */
export function deviceOf(text: string): object {
  const [host = '', container, rights] = text.split(':');
  return { PathOnHost: host, PathInContainer: container || host, CgroupPermissions: rights || 'rwm' };
}

const valued: { readonly [flag: string]: Apply } = {
  entrypoint: (s, value) => { s.entrypoint = value === '' ? [] : [value]; },
  volume: add('host', 'Binds'), v: add('host', 'Binds'),
  env: add('config', 'Env'), e: add('config', 'Env'),
  network: set('host', 'NetworkMode'), net: set('host', 'NetworkMode'),
  user: set('config', 'User'), u: set('config', 'User'),
  workdir: set('config', 'WorkingDir'), w: set('config', 'WorkingDir'),
  hostname: set('config', 'Hostname'), h: set('config', 'Hostname'),
  label: put('config', 'Labels', '='), l: put('config', 'Labels', '='),
  'cap-add': add('host', 'CapAdd'), 'cap-drop': add('host', 'CapDrop'),
  device: add('host', 'Devices', deviceOf), tmpfs: put('host', 'Tmpfs', ':'),
  'security-opt': add('host', 'SecurityOpt'), 'add-host': add('host', 'ExtraHosts'), dns: add('host', 'Dns'), 'dns-search': add('host', 'DnsSearch'), 'group-add': add('host', 'GroupAdd'),
  memory: set('host', 'Memory', bytes), m: set('host', 'Memory', bytes), 'shm-size': set('host', 'ShmSize', bytes),
  cpus: set('host', 'NanoCpus', (v, f) => Math.round(number(v, f) * 1e9)), 'cpu-shares': set('host', 'CpuShares', number), 'cpuset-cpus': set('host', 'CpusetCpus'), 'pids-limit': set('host', 'PidsLimit', number),
  pid: set('host', 'PidMode'), ipc: set('host', 'IpcMode'), uts: set('host', 'UTSMode'), userns: set('host', 'UsernsMode'), cgroupns: set('host', 'CgroupnsMode'), 'cgroup-parent': set('host', 'CgroupParent'),
  runtime: set('host', 'Runtime'), isolation: set('host', 'Isolation'), sysctl: put('host', 'Sysctls', '='), 'volumes-from': add('host', 'VolumesFrom'), 'stop-signal': set('config', 'StopSignal'),
  ulimit: add('host', 'Ulimits', value => {
    const [, name, soft, hard] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value) ?? [];
    if (name === undefined) throw fail.VALUE('--ulimit', value);
    return { Name: name, Soft: Number(soft), Hard: Number(hard ?? soft) };
  }),
  // The container's name is ours: by it a container is found again that a killed run left.
  name: ignored, platform: ignored, pull: ignored,
};
const plain: { readonly [flag: string]: (settings: RunSettings) => void } = {
  privileged: s => { s.host['Privileged'] = true; }, init: s => { s.host['Init'] = true; }, 'read-only': s => { s.host['ReadonlyRootfs'] = true; }, 'no-healthcheck': s => { s.config['Healthcheck'] = { Test: ['NONE'] }; },
  tty: s => { s.config['Tty'] = true; }, t: s => { s.config['Tty'] = true; },
  detach: () => {}, d: () => {}, interactive: () => {}, i: () => {}, rm: () => {},
};

/** Reads the arguments; `{{ .Image }}` (or any first word that is no flag) ends them, and the command follows. */
export function parseRunArguments(args: readonly string[]): RunSettings {
  const settings: RunSettings = { config: {}, host: {} };
  const rest = [...args];
  if (rest[0] === 'docker') rest.shift();
  if (rest[0] === 'run') rest.shift();
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-') || word === '--') {
      if (word === '--') rest.shift();
      if (rest.length > 0) settings.command = rest.splice(0);
      break;
    }
    const long = word.startsWith('--'), [name = '', inline] = splitOnce(word.replace(/^--?/, ''));
    const shown = `${long ? '--' : '-'}${name}`;
    // -dit is three flags, -vA:B one with its value.
    if (!long && name.length > 1) {
      if ([...name].every(letter => Object.hasOwn(plain, letter))) { for (const letter of name) plain[letter]!(settings); continue; }
      const letter = name[0]!;
      if (Object.hasOwn(valued, letter)) { valued[letter]!(settings, word.slice(2), `-${letter}`); continue; }
      throw fail.UNKNOWN(word);
    }
    if (Object.hasOwn(plain, name)) { if (inline !== 'false') plain[name]!(settings); continue; }
    if (!Object.hasOwn(valued, name)) throw fail.UNKNOWN(shown);
    const value = inline ?? rest.shift();
    if (value === undefined) throw fail.MISSING(shown);
    valued[name]!(settings, value, shown);
  }
  return settings;
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
