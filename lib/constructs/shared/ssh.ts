import { field } from '../../fields.js';
import { Duration } from '../../values.js';

const table = {
  /** How to reach the guest by SSH. */
  ssh: field.group({
    /**
     * User to log in as; steps run as this user.
     * @default 'root'
     */
    username: field.string({ default: 'root' }),
    /** Password to log in with, also where the server asks for it by keyboard-interactive. */
    password: field.secret({ affects: 'none' }),
    /** Private key to log in with (OpenSSH or PEM). Left out: a key made for this run, where the source can bring it into the guest. */
    privateKeyFile: field.path({ kind: 'file', affects: 'none' }),
    /** Passphrase of `privateKeyFile`. */
    privateKeyPassphrase: field.secret({ affects: 'none', packerName: false }),
    /** OpenSSH certificate for the key of `privateKeyFile`. */
    certificateFile: field.path({ kind: 'file', affects: 'none' }),
    /**
     * Logs in with the keys of the SSH agent (SSH_AUTH_SOCK).
     * @default false
     */
    agentAuth: field.boolean({ default: false, affects: 'none' }),
    /**
     * Keeps the agent from being forwarded to the guest when `agentAuth` is on.
     * @default false
     */
    disableAgentForwarding: field.boolean({ default: false, affects: 'none' }),
    /** Address of the guest. Left out: where the source finds it. */
    host: field.string({ affects: 'none' }),
    /**
     * Port of the SSH server in the guest.
     * @default 22
     */
    port: field.integer({ default: 22, min: 1, max: 65535, affects: 'none' }),
    /** Public key that the server must show, as in known_hosts: `ssh-ed25519 AAAA…`. Left out: the one that the source gave the guest, else the first that is seen. */
    hostKey: field.string({ affects: 'none', packerName: false }),
    /**
     * How long the guest may take from being started to letting us in.
     * @default 5 minutes
     */
    timeout: field.duration({ default: Duration.minutes(5), affects: 'none' }),
    /**
     * How often the same server may refuse the login before that is the answer.
     * @default 10
     */
    handshakeAttempts: field.integer({ default: 10, min: 1, affects: 'none' }),
    /** How long one handshake may take: emulated guests need seconds for their cryptography. @default 1 minute */
    handshakeTimeout: field.duration({ default: Duration.minutes(1), affects: 'none', packerName: false }),
    /**
     * Pause between signs of life on an idle connection; 0: none are sent.
     * @default 5 seconds
     */
    keepAliveInterval: field.duration({ default: Duration.seconds(5), affects: 'none' }),
    /** The connection is given up when nothing comes from the guest for so long, answers to signs of life included. Left out: only when these fail for a minute. */
    readWriteTimeout: field.duration({ affects: 'none' }),
    /**
     * Runs the commands of steps in a terminal, as `sudo` with requiretty needs it.
     * @default false
     */
    pty: field.boolean({ default: false, affects: 'none' }),
    /**
     * How files travel. `auto`: small files and folders through commands, large files by SFTP where the guest has it; `sftp`: by SFTP only; `scp`: through commands only.
     * @default 'auto'
     */
    fileTransferMethod: field.oneOf(['auto', 'scp', 'sftp'], { default: 'auto', affects: 'none' }),
    /** Ciphers to offer, the preferred first. Left out: all that are considered safe. */
    ciphers: field.list(field.string(), { affects: 'none' }),
    /** Key exchange methods to offer, the preferred first. Left out: all that are considered safe. */
    keyExchangeAlgorithms: field.list(field.string(), { affects: 'none' }),
    /** Removes our key from the guest before the image is made. Left out: where the key was made for this run. */
    clearAuthorizedKeys: field.boolean({ affects: 'capture' }),
    /** Ports of this computer that lead to an address as the guest sees it: `8080:localhost:80`. */
    localTunnels: field.list(field.string(), { affects: 'none' }),
    /** Ports of the guest that lead to an address as this computer sees it: `3128:proxy.internal:3128`. */
    remoteTunnels: field.list(field.string(), { affects: 'none' }),

    /** Host to go through: a bastion, or jump host. */
    bastionHost: field.string({ affects: 'none' }),
    /**
     * Port of the bastion.
     * @default 22
     */
    bastionPort: field.integer({ default: 22, min: 1, max: 65535, affects: 'none' }),
    /** User on the bastion. Left out: the guest's. */
    bastionUsername: field.string({ affects: 'none' }),
    /** Password for the bastion. */
    bastionPassword: field.secret({ affects: 'none' }),
    /** Private key for the bastion. Left out, and no other way given: the guest's. */
    bastionPrivateKeyFile: field.path({ kind: 'file', affects: 'none' }),
    /** OpenSSH certificate for the key of `bastionPrivateKeyFile`. */
    bastionCertificateFile: field.path({ kind: 'file', affects: 'none' }),
    /**
     * Logs in to the bastion with the keys of the SSH agent.
     * @default false
     */
    bastionAgentAuth: field.boolean({ default: false, affects: 'none' }),
    /**
     * Answers the bastion's questions (keyboard-interactive) with `bastionPassword`.
     * @default false
     */
    bastionInteractive: field.boolean({ default: false, affects: 'none' }),
    /** Public key that the bastion must show, as in known_hosts. Left out: any. */
    bastionHostKey: field.string({ affects: 'none', packerName: false }),
    /** Further hosts to go through after the bastion, in order: `user@host:port`. They are logged in to as the bastion is. */
    bastionChain: field.list(field.string(), { affects: 'none', packerName: false }),

    /** Proxy to go through. */
    proxyHost: field.string({ affects: 'none' }),
    /**
     * Port of the proxy.
     * @default 1080
     */
    proxyPort: field.integer({ default: 1080, min: 1, max: 65535, affects: 'none' }),
    /** User name for the proxy. */
    proxyUsername: field.string({ affects: 'none' }),
    /** Password for the proxy. */
    proxyPassword: field.secret({ affects: 'none' }),
    /**
     * What the proxy speaks.
     * @default 'socks5'
     */
    proxyType: field.oneOf(['socks5', 'http'], { default: 'socks5', affects: 'none', packerName: false }),

    /**
     * Type of the key that is made for this run.
     * @default 'ed25519'
     */
    temporaryKeyPairType: field.oneOf(['ed25519', 'rsa', 'ecdsa'], { default: 'ed25519', affects: 'none', packerName: 'temporary_key_pair_type' }),
    /** Size in bits of the key that is made for this run: 2048 to 16384 for rsa (4096 when left out), 256, 384 or 521 for ecdsa (521 when left out). */
    temporaryKeyPairBits: field.integer({ min: 0, affects: 'none', packerName: 'temporary_key_pair_bits' }),
    /** Name of the key that is made for this run, where a cloud wants one. */
    temporaryKeyPairName: field.string({ affects: 'none', packerName: 'temporary_key_pair_name' }),
    /** Name of a key that the cloud has already, to be put into the machine; `privateKeyFile` is its private half. */
    keypairName: field.string({ affects: 'none' }),
    /** Waited after the guest first lets us in; then it is connected to anew. For guests that are still changing at that moment. */
    pauseBeforeConnecting: field.duration({ affects: 'none', packerName: 'pause_before_connecting' }),
  }, { prefix: 'ssh_' }),
};
type Table = typeof table;
/** How a guest is reached by SSH. */
export interface SshFields extends Table {}
export const sshFields: SshFields = table;

/** Packer's communicator options that are not in `sshFields`, and why. */
export const sshWithout: { readonly [option: string]: string } = {
  ssh_private_key: 'It is filled in by Packer itself.',
  ssh_public_key: 'It is filled in by Packer itself.',
  ssh_wait_timeout: 'An old name of ssh_timeout.',
};
