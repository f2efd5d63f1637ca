/** After a machine goes on from a saved memory: its clock stands where it was saved, and twins of one memory repeat each other's random numbers. */
import { randomBytes } from 'node:crypto';
import type { Communicator, Context } from '../../driver.js';
import { asRoot } from '../../guest/as-root.js';
import type { Agent } from './agent.js';

/** Says why a saved memory is not used. */
export const sayColdBoot = (reason: string, ctx: Context): void => ctx.note(`the saved memory cannot be used, so the machine boots from its saved disk: ${reason}`);

// Writing to /dev/urandom alone takes effect late; 0x5207 is RNDRESEEDCRNG.
const reseed = `seed() { if command -v perl >/dev/null 2>&1; then perl -e 'binmode STDIN; read(STDIN,$s,512); open F,"+<","/dev/urandom" or die; syswrite F,$s; ioctl(F,0x5207,0) or die'
elif command -v python3 >/dev/null 2>&1; then python3 -c 'import fcntl,sys; s=sys.stdin.buffer.read(512); f=open("/dev/urandom","r+b",0); f.write(s); fcntl.ioctl(f,0x5207,0)'
else cat > /dev/urandom; fi; }; seed`;

/** Sets clock and random numbers through the agent, before any connection is made. */
export async function wake(agent: Agent): Promise<void> {
  await setClock(agent);
  const { code, stderr } = await agent.run('/bin/sh', ['-c', reseed], { input: randomBytes(512) });
  if (code !== 0) throw new Error(stderr.trim() || `exit code ${code}`);
}

/**
 * What the command takes until it is heard makes the clock late by as much: where that is a matter, it is set again, ahead by it.
 * Not by the agent's own command where a shell can do it: that calls hwclock, which leaves /etc/adjtime, and takes longer than all the rest.
 */
async function setClock(agent: Agent): Promise<void> {
  let ahead = 0, shell = true;
  for (let i = 0; i < 3; i++) {
    const time = (): number => Date.now() + ahead;
    shell &&= await agent.run('/bin/sh', ['-c', `date -u -s @${(time() / 1000).toFixed(3)}`]).then(({ code }) => code === 0, () => false);
    if (!shell) await agent.execute('guest-set-time', { time: Math.round(time()) * 1e6 });
    const asked = Date.now(), guest = await agent.execute<number>('guest-get-time') / 1e6, late = (asked + Date.now()) / 2 - guest;
    if (Math.abs(late) < 250) return;
    ahead += late;
  }
}

/** The same without an agent, over the connection. */
export async function wakeOver(guest: Communicator, ctx: Context): Promise<void> {
  const script = `date -s @${(Date.now() / 1000).toFixed(3)} >/dev/null; ${reseed}`;
  const exit = await guest.exec(asRoot(script), { stdin: randomBytes(512), signal: ctx.signal });
  if (exit.how !== 'exited' || exit.code !== 0) ctx.warn('The guest was resumed, but its clock and its random numbers could not be renewed.', 'RESUME');
}
