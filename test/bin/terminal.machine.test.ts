/** The command line in a real terminal: the live view, a question, and Ctrl-C. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { bakeFile, sourceEnvironment, tsx } from '../support/command-lines.js';
import { requires } from '../support/machine.js';
import { temporaryFolder } from '../support/program.js';

const program = `
import { App, BreakpointProvisioner, FileSource, ImageBuild, ShellLocalProvisioner } from 'imagebake';
const app = new App();
new ImageBuild(app, 'web', {
  sources: [new FileSource({ content: 'x', target: 'out/x' })],
  provisioners: [new BreakpointProvisioner({ note: 'Look around.' }), new ShellLocalProvisioner({ name: 'endless', inline: ['while :; do sleep 0.2; done'] })],
});
`;

/** A terminal of its own, on a server of its own. */
async function terminal(folder: string) {
  const socket = `bake-${randomBytes(4).toString('hex')}`, tmux = (...args: string[]): string => execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', cwd: folder, env: { ...sourceEnvironment, NO_COLOR: '', CI: '', TERM: 'xterm', BAKE_CACHE_DIR: join(folder, '.cache') } });
  onTestFinished(() => { try { tmux('kill-server'); } catch { /* it has ended by itself */ } });
  tmux('new-session', '-d', '-x', '120', '-y', '30', 'sh');
  return {
    type: (...keys: string[]) => { tmux('send-keys', ...keys); },
    shows: async (pattern: RegExp): Promise<string> => {
      for (let i = 0; ; i++) {
        const screen = tmux('capture-pane', '-p', '-J');
        if (pattern.test(screen)) return screen;
        if (i > 450) throw new Error(`The terminal never showed ${pattern}. It shows:\n${screen}`);
        await sleep(100);
      }
    },
  };
}

requires('tmux')('in a terminal', () => {
  it('a build asks, goes on, is seen at work, and ends cleanly at Ctrl-C', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'images.ts'), program);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const screen = await terminal(folder);
    screen.type(`${process.execPath} --import ${tsx} ${bakeFile} build; echo code $?`, 'Enter');
    await screen.shows(/Look around\. Go on\? \[CONTINUE\/stop\]/);
    screen.type('c', 'Enter');
    await screen.shows(/web\/file\s+endless\s+\d/);
    screen.type('C-c');
    expect(await screen.shows(/code \d+/)).toMatch(/SIGINT: stopping, and cleaning up[\s\S]*1 cancelled in [\s\S]*code 130/);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  }, 120_000);

  it('Ctrl-C is heard at a question, too', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'images.ts'), program);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const screen = await terminal(folder);
    screen.type(`${process.execPath} --import ${tsx} ${bakeFile} build; echo code $?`, 'Enter');
    await screen.shows(/Go on\? \[CONTINUE\/stop\]/);
    screen.type('C-c');
    await screen.shows(/1 cancelled in [\s\S]*code 130/);
  }, 120_000);
});
