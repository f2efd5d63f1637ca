import { field, type Field } from '../../fields.js';
import { Duration, type Input, isDuration } from '../../values.js';

/** Waits until the guest's screen is as said. */
export interface ScreenStep {
  readonly screen: 'still' | 'changed' | 'match' | 'text';
  /** Milliseconds that the screen must not change. */
  readonly still?: number;
  /** The picture to wait for. */
  readonly picture?: { readonly $path: string } | URL;
  /** Text to wait for, on screens in text mode. */
  readonly text?: string;
  /** Milliseconds to wait at most. */
  readonly timeout?: number;
}

/**
 * A step of a boot command that waits for the screen: until it has been `still` for a time, until it has `changed` since the last key, until it looks
 * like the PNG picture `match` (a file; parts of it that are transparent count as anything), or until a screen in text mode shows `text`. Fails after `timeout` (5 minutes when left out).
 */
export function waitForScreen(until: { readonly still: true | Duration } | { readonly changed: true } | { readonly match: string | URL } | { readonly text: string }, options: { readonly timeout?: Duration } = {}): ScreenStep {
  const timeout = options.timeout === undefined ? {} : { timeout: options.timeout.$duration };
  if ('still' in until) return { screen: 'still', still: isDuration(until.still) ? until.still.$duration : 2000, ...timeout };
  if ('match' in until) return { screen: 'match', picture: typeof until.match === 'string' ? { $path: until.match } : until.match, ...timeout };
  if ('text' in until) return { screen: 'text', text: until.text, ...timeout };
  return { screen: 'changed', ...timeout };
}

/** As the driver gets it: pictures are files there. */
export type BootStep = string | (Omit<ScreenStep, 'picture'> & { readonly picture?: string });
const step = field.json() as unknown as Field<Input<string> | ScreenStep, BootStep, 'optional'>;

const table = {
  /** What is typed into the machine when it starts. */
  boot: field.group({
    /** Text and keys to type, one entry after the other: Packer's notation (`<enter>`, `<wait5>`, `<leftCtrlOn>c<leftCtrlOff>`), and waitForScreen(…). `{{ .HTTPIP }}` and `{{ .HTTPPort }}` are the address of the HTTP server. */
    command: field.list(step, { fills: true }),
    /**
     * Waited before the first key. Nothing is waited where nothing is typed.
     * @default 10 seconds
     */
    wait: field.duration({ default: Duration.seconds(10), affects: 'none' }),
    /** How long a key is held, and the pause before the next. Left out: 20 ms, which slow guests follow. */
    keyInterval: field.duration({ affects: 'none' }),
    /**
     * Pause after each entry of the command.
     * @default 0
     */
    keygroupInterval: field.duration({ default: Duration.milliseconds(0), affects: 'none' }),
    /** The same as `command`, with a description of each entry: `[['<enter>', 'start the installer']]`. */
    steps: field.list(field.list(field.string()), { fills: true }),
    /**
     * Keyboard layout that the guest has while it is typed at.
     * @default 'us'
     */
    keyboardLayout: field.oneOf(['us', 'uk', 'de', 'fr'], { default: 'us', packerName: false }),
  }, { prefix: 'boot_' }),
};
type Table = typeof table;
/** What is typed into a machine: `boot: { command, wait }`. */
export interface BootFields extends Table {}
export const bootFields: BootFields = table;
