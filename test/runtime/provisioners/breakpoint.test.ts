import { describe, expect, it } from 'vitest';
import { BreakpointProvisioner, ImageBuild, NullSource } from '../../../lib/index.js';
import type { Question } from '../../../lib/events.js';
import { program } from '../../support/program.js';

const stopping = (props: { readonly note?: string; readonly disable?: boolean }) => program(app => { new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new BreakpointProvisioner(props)] }); });

describe('a breakpoint', () => {
  it('asks a person, with its note, and goes on or ends the build as they say', async () => {
    const p = await stopping({ note: 'Look at nginx.' }), asked: Question[] = [];
    const answer = async (choice: string) => (await p.run({ ask: async question => { asked.push(question); return choice; } })).targets[0]!;
    expect(await answer('continue')).toMatchObject({ outcome: 'done' });
    expect(await answer('stop')).toMatchObject({ outcome: 'failed', failedStep: 'web/breakpoint', error: { code: 'BREAKPOINT_STOPPED' } });
    expect(asked[0]).toEqual({ question: 'web/null stands at the breakpoint web/breakpoint. Look at nginx. Go on?', choices: ['continue', 'stop'], default: 'continue' });
  });

  it('is passed by where nobody can be asked, and where it is disabled', async () => {
    expect((await (await stopping({})).run()).outcome).toBe('done');
    expect((await (await stopping({ disable: true })).run({ ask: async () => 'stop' })).outcome).toBe('done');
  });
});
