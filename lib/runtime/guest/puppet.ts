/** One run of Puppet in the guest, for puppet-masterless and puppet-server. */
import type { PuppetFields } from '../../constructs/shared/puppet.js';
import type { ResolvedOf } from '../../fields.js';
import type { Communicator, Context } from '../driver.js';
import { fillTemplate, type TemplateValues } from '../formats/go-template.js';
import { runInGuest } from './program.js';
import { packerBuildName } from '../packer-names.js';
import { assignment } from './quote.js';

export type PuppetProps = ResolvedOf<PuppetFields>;
/** What every template of theirs may name. */
export const puppetTemplateNames = ['WorkingDir', 'FacterVars', 'Sudo', 'PuppetBinDir', 'Debug', 'ExtraArguments'] as const;

const meanings: { readonly [code: number]: string } = { 1: 'it could not run, or the manifest cannot be read', 4: 'some resources failed', 6: 'some resources were changed, and others failed' };

/** Fills the template in and runs it. Throws GUEST_PROGRAM_… where puppet did not succeed. */
export async function runPuppet(what: string, template: string, values: TemplateValues, staging: string, props: PuppetProps, guest: Communicator, ctx: Context): Promise<void> {
  let seen = '';
  await runInGuest('looking for puppet', 'id -u; [ ! -x /opt/puppetlabs/bin/puppet ] || echo /opt/puppetlabs/bin', guest, ctx, { quiet: true, read: text => { seen += text; } });
  const [uid, bin = ''] = seen.trim().split('\n'), { httpAddress } = ctx.hostValues;
  const facts = { packer_build_name: packerBuildName(ctx.build), packer_builder_type: ctx.build.sourceType, ...(httpAddress === undefined ? {} : { packer_http_addr: httpAddress }), ...props.facter };
  const command = fillTemplate(props.executeCommand ?? template, {
    WorkingDir: props.workingDirectory ?? staging, FacterVars: Object.entries(facts).map(([name, value]) => assignment(`FACTER_${name}`, value)).join(' '), Sudo: !props.preventSudo && uid !== '0',
    PuppetBinDir: props.puppetBinDir ?? bin, Debug: false, ExtraArguments: (props.extraArguments ?? []).join(' '), ...values,
  });
  await runInGuest(what, command, guest, ctx, {
    accept: [0, 2], letPass: props.ignoreExitCodes ? { by: 'ignoreExitCodes', code: 'PUPPET_IGNORED' } : undefined, meaning: c => meanings[c],
    install: 'Install it in an earlier step: new PackagesProvisioner({ install: [\'puppet-agent\'] }); or say where it is, with puppetBinDir.',
  });
}
