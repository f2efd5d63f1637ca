/** A window in which people can look at the guest: which of QEMU's displays shows one here. */
import { errors } from '../../../errors.js';
import { capture } from '../../host/process.js';
import type { Props } from './prepare.js';

const fail = errors('DISPLAY', {
  NONE: {
    message: (binary: string, wanted: string) => `${binary} cannot show a window by '${wanted}' here.`,
    remedy: 'Install its window (apt-get install qemu-system-gui on Debian and Ubuntu), or leave headless at true: the screen can be watched by VNC then.',
  },
  NO_SCREEN: {
    message: () => 'There is no screen for a window (headless: false): neither DISPLAY nor WAYLAND_DISPLAY is set.',
    remedy: 'Start the build in a desktop session, or leave headless at true: the screen can be watched by VNC, and `bake screenshot` shows it.',
  },
});

/** The value of QEMU's `-display`; undefined: what QEMU chooses. Throws DISPLAY_NO_SCREEN and DISPLAY_NONE. */
export async function chooseDisplay(binary: string, { headless, useDefaultDisplay, display }: Pick<Props, 'headless' | 'useDefaultDisplay' | 'display'>, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (headless) return 'none';
  const kind = display?.split(',')[0];
  // What is no window needs no screen.
  const isWindow = kind === undefined ? !useDefaultDisplay : ['gtk', 'sdl'].includes(kind);
  if (process.platform === 'linux' && isWindow && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) throw fail.NO_SCREEN();
  if (useDefaultDisplay) return undefined;
  const known = (await capture(binary, ['-display', 'help'])).split('\n').map(line => line.trim());
  const chosen = kind ?? ['gtk', 'sdl', 'cocoa'].find(name => known.includes(name));
  if (chosen === undefined || !known.includes(chosen)) throw fail.NONE(binary, kind ?? 'gtk');
  // Closed by a person, the window would take the guest with it.
  return display ?? (['gtk', 'sdl'].includes(chosen) ? `${chosen},window-close=off` : chosen);
}
