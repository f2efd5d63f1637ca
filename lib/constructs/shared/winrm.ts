import { field } from '../../fields.js';
import { must, type Rule } from '../../rules.js';
import { Duration } from '../../values.js';

const table = {
  /** How to reach a Windows guest by WinRM. */
  winrm: field.group({
    /** User to log in as: `Administrator`, `DOMAIN\user` or `user@domain`. Steps run as this user. */
    username: field.string({ required: true }),
    /** Password to log in with. Left out: the one that the cloud made for the instance. */
    password: field.secret({ affects: 'none' }),
    /** Address of the guest. Left out: where the source finds it. */
    host: field.string({ affects: 'none' }),
    /** Port of the WinRM service in the guest. Left out: 5985, with `useSsl` 5986. */
    port: field.integer({ min: 1, max: 65535, affects: 'none' }),
    /**
     * How long the guest may take from being started to letting us in.
     * @default 30 minutes
     */
    timeout: field.duration({ default: Duration.minutes(30), affects: 'none' }),
    /**
     * Speaks https.
     * @default false
     */
    useSsl: field.boolean({ default: false, affects: 'none' }),
    /**
     * With `useSsl`: takes any certificate, such as one that the guest made for itself.
     * @default false
     */
    insecure: field.boolean({ default: false, affects: 'none' }),
    /**
     * Logs in by NTLM: the password never leaves this computer, and over http each message is encrypted. False: by Basic, which sends the password as it is.
     * @default true
     */
    useNtlm: field.boolean({ default: true, affects: 'none' }),
    /**
     * Connects directly. False: through HTTP_PROXY of the environment (by CONNECT), but for what NO_PROXY names.
     * @default true
     */
    noProxy: field.boolean({ default: true, affects: 'none' }),
  }, { prefix: 'winrm_' }),
};
type Table = typeof table;
/** How a Windows guest is reached by WinRM. */
export interface WinrmFields extends Table {}
export const winrmFields: WinrmFields = table;

/** What must hold between `winrm` and the other ways to a guest. */
export const winrmRules: readonly Rule<'ssh' | 'winrm'>[] = [
  must(['ssh', 'winrm'], 'ssh or winrm, not both', isSet => isSet('ssh') && isSet('winrm') ? 'has ssh and winrm settings: a guest is reached by one of them' : undefined),
];
/** The same, of sources whose `communicator` can be chosen. */
export const winrmChosenRules: readonly Rule<'ssh' | 'winrm' | 'communicator'>[] = [
  ...winrmRules,
  must(['communicator', 'winrm'], "communicator 'winrm' with winrm settings", (isSet, valueOf) => {
    const how = isSet('communicator') ? valueOf('communicator') : undefined;
    if (how === 'winrm' && !isSet('winrm')) return "has the communicator 'winrm', and no winrm settings";
    return isSet('winrm') && typeof how === 'string' && how !== 'winrm' ? `has winrm settings, and the communicator '${how}', which does not use them` : undefined;
  }),
];
