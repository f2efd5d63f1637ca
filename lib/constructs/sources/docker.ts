import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { must } from '../../rules.js';
import { Source, type SourceSettings } from '../component.js';
import { ecrWithout, registryLoginFields } from '../shared/docker.js';

const ways = ['commit', 'exportPath', 'discard'] as const;
const origins = ['image', 'from', 'build'] as const;

export const docker = source('docker', combine(registryLoginFields, {
  /** Image to start from, by name (`debian:12`), by digest (`debian@sha256:…`) or by id. */
  image: field.string(),
  /** Another build of this program whose image to start from. */
  from: field.image('docker'),
  /** Builds the image to start from with a Dockerfile. */
  build: field.block({
    /** The Dockerfile. */
    path: field.path({ kind: 'file', required: true }),
    /** The folder that the Dockerfile's COPY takes from; the Dockerfile's own when left out. */
    buildDir: field.path({ kind: 'folder' }),
    /** Values of the Dockerfile's ARGs. */
    arguments: field.map(field.string()),
    /** Takes newer versions of the images that the Dockerfile names. Missing ones are always taken. */
    pull: field.boolean(),
    /** Packs what is sent to the engine; worth it where that is another computer. */
    compress: field.boolean({ affects: 'none' }),
  }),
  /** Whether the image is pulled: always, or never. When left out: where the engine does not have it. */
  pull: field.boolean(),
  /** Platform to pull and run, where the image has several: `linux/arm64`. */
  platform: field.string(),
  /** Keeps what was built as an image of the engine. */
  commit: field.boolean({ affects: 'capture' }),
  /** Keeps what was built as a tar file of the root file system. */
  exportPath: field.outputPath(),
  /** Keeps nothing: for builds that only run something. */
  discard: field.boolean({ affects: 'capture' }),
  /** Changes to the image's configuration, as lines of a Dockerfile: `ENTRYPOINT ["/app"]`, `ENV A=b`, `EXPOSE 80`. What is not changed stays as in the image started from. */
  changes: field.list(field.string(), { affects: 'capture' }),
  /** Author to write into the image. */
  author: field.string({ affects: 'capture' }),
  /** Message to write into the image's history. */
  message: field.string({ affects: 'capture' }),
  /** Arguments of `docker run`, for settings that have no property here: `['--network', 'host', '{{ .Image }}', '/sbin/init']`. The container must go on running. */
  runCommand: field.list(field.string()),
  /** User that steps run as; the image's own when left out. */
  execUser: field.string(),
  /** Folders of the engine's computer, or volumes by name, and where they are seen in the container. What is written there is not in the image. */
  volumes: field.map(field.string()),
  /** Paths in the container that are kept in memory, with their options: `/tmp:size=64m`. What is written there is not in the image. */
  tmpfs: field.list(field.string()),
  /**
   * Runs the container with all rights on the engine's computer.
   * @default false
   */
  privileged: field.boolean({ default: false }),
  /** Linux capabilities to add: `NET_ADMIN`. */
  capAdd: field.list(field.string()),
  /** Linux capabilities to take away. */
  capDrop: field.list(field.string()),
  /** Devices of the engine's computer to show: `/dev/kvm`, `/dev/sda:/dev/xvdc:rwm`. */
  device: field.list(field.string()),
  /** The engine's runtime to run the container with: `sysbox-runc`. */
  runtime: field.string(),
  /**
   * Gives each step a terminal. Its output and its errors are one stream then.
   * @default false
   */
  pty: field.boolean({ default: false, affects: 'none' }),
  /**
   * Uploaded files belong to the user that steps run as; to root otherwise.
   * @default true
   */
  fixUploadOwner: field.boolean({ default: true }),
  /** Address of the engine (`unix:///run/docker.sock`, `tcp://host:2376`); where left out, DOCKER_HOST, then the current context, then the usual sockets. */
  dockerHost: field.string({ packerName: false, affects: 'none' }),
}), {
  rules: [
    must(origins, `exactly one of ${origins.join(', ')}`, isSet => oneOf(origins, isSet)),
    must(ways, `exactly one of ${ways.join(', ')}`, (isSet, valueOf) => oneOf(ways, way => isSet(way) && valueOf(way) !== false)),
    must(['changes', 'author', 'message', 'commit'], 'changes, author and message need commit', (isSet, valueOf) => {
      const idle = (['changes', 'author', 'message'] as const).filter(isSet);
      return idle.length > 0 && (!isSet('commit') || valueOf('commit') === false) ? `has ${idle.join(' and ')}, which only a committed image can carry` : undefined;
    }),
    must(['login', 'loginUsername', 'loginPassword'], 'loginUsername needs login', (isSet, valueOf) =>
      (isSet('loginUsername') || isSet('loginPassword')) && (!isSet('login') || valueOf('login') === false) ? 'has a user name or password for a registry, and login is not true' : undefined),
    must(['from', 'pull', 'build'], 'pull needs image', isSet => isSet('pull') && (isSet('from') || isSet('build')) ? 'has pull, and no image to pull' : undefined),
  ],
  outputs: {
    /** Id of the committed image: `sha256:…`. */
    imageId: field.string(),
    /** Digest of the image, or of the exported tar: `sha256:…`. */
    digest: field.string(),
    /** Where the exported tar lies. */
    path: field.path(),
  },
});

/** Options of Packer that this source does not have, and why. */
export const dockerWithout: { readonly [option: string]: string } = {
  docker_path: 'The engine is spoken to directly, without the docker program.',
  container_dir: 'Files reach the container through the engine; no folder is mounted for them.',
  windows_container: 'Windows containers are not supported.',
  communicator: 'Containers are reached through the engine.',
  pause_before_connecting: 'A container can be entered as soon as it runs.',
  ...ecrWithout,
};

function oneOf<K extends string>(fields: readonly K[], isSet: (field: K) => boolean): string | undefined {
  const set = fields.filter(isSet);
  if (set.length === 1) return undefined;
  return `needs exactly one of ${fields.join(', ')}, and has ${set.length === 0 ? 'none' : set.join(' and ')}`;
}

export interface DockerSourceProps<N extends string = string> extends PropsOf<typeof docker.fields>, SourceSettings<N> {}
/** Runs a container and keeps what the steps made of it, as an image or a tar. */
export class DockerSource<const N extends string = 'docker'> extends Source<typeof docker, N> {
  constructor(props: DockerSourceProps<N>) { super(docker, props); }
}
