/** Rules that the tables of this folder share. Fields are named as props (`isoUrl`); a value known later counts as set. */
import { atLeastOne, must, type Rule } from '../../rules.js';

/** Each of the fields is set. */
export const required = (...fields: readonly string[]): readonly Rule[] =>
  fields.map(name => must([name], `${name} is required`, isSet => isSet(name) ? undefined : `needs ${name}`));

/** The user to log in as, for the communicator that is chosen; Packer guesses none. */
export const loginUser: Rule = must(['communicator', 'sshUsername', 'winrmUsername'], 'sshUsername or winrmUsername is required, by the communicator', (isSet, valueOf) => {
  const communicator = valueOf('communicator');
  if (!isSet('communicator') || communicator === 'ssh') return isSet('sshUsername') ? undefined : 'needs sshUsername, as its communicator is ssh';
  return communicator === 'winrm' && !isSet('winrmUsername') ? 'needs winrmUsername, as its communicator is winrm' : undefined;
});

/** An installer image, by one URL or several. */
export const iso: readonly Rule[] = [atLeastOne('isoUrl', 'isoUrls'), ...required('isoChecksum')];

/** A key into the tables of rules: `source/qemu`. */
export type RuleTable = { readonly [component: string]: readonly Rule[] };
