/** The password that EC2 makes for a Windows instance: encrypted with the key pair that the instance was started with. */
import { constants, privateDecrypt } from 'node:crypto';
import { errors } from '../../errors.js';
import type { Context } from '../driver.js';
import type { Session } from './session.js';
import { awaitState } from './wait.js';

const fail = errors('EC2', {
  PASSWORD: {
    message: (id: string) => `The password of ${id} cannot be decrypted with the key of this run.`,
    remedy: 'Give winrm.password, where the image has a password of its own.',
    explain: 'EC2 encrypts the password of a Windows instance with the RSA key pair that it was started with.',
  },
});

/** Waits until the instance has told its password, and decrypts it. Throws AWS_TOO_SLOW after `budget` milliseconds. */
export async function windowsPassword(session: Session, id: string, privateKey: string, budget: number, ctx: Pick<Context, 'note' | 'signal'>): Promise<string> {
  const data = await awaitState({
    what: `The password of ${id}`, access: session.access, signal: ctx.signal, note: message => ctx.note(message, { detail: true }), budget, wanted: ['known'],
    look: async () => {
      const { PasswordData = '' } = await session.ec2('GetPasswordData', { InstanceId: id });
      return { state: PasswordData.trim() === '' ? 'not known yet: Windows makes it at its first boot' : 'known', value: PasswordData.trim() };
    },
  });
  return decrypt(data, privateKey) ?? (() => { throw fail.PASSWORD(id); })();
}

/** Undefined where the key does not fit. Node itself refuses this padding since it can be an oracle; here nobody is told what came out. */
function decrypt(data: string, privateKey: string): string | undefined {
  let plain: Buffer;
  try { plain = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, Buffer.from(data, 'base64')); } catch { return undefined; }
  const end = plain.indexOf(0, 2);
  return plain[0] === 0 && plain[1] === 2 && end >= 10 ? plain.toString('utf8', end + 1) : undefined;
}
