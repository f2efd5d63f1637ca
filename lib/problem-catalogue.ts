/** Every code that a problem can have: what it means, why it is one, and what to do. `bake explain CODE` and API.md print it. */
import { catalogue, type ErrorEntry } from './errors.js';

export interface Explanation {
  readonly code: string;
  /** One sentence. */
  readonly what: string;
  readonly why?: string;
  readonly remedy?: string;
  /** Lines of a program. */
  readonly wrong?: string;
  readonly right?: string;
}
type Entry = Omit<Explanation, 'code'>;

/** Problems found at synth, by code. Errors of loading and running are in the tables of the files that raise them. */
export const problemCatalogue: { readonly [code: string]: Entry } = {
  // ---- what was written ------------------------------------------------------------------------------------------------------------
  UNKNOWN_PROP: {
    what: 'A component was given a prop that it does not have.',
    why: 'The compiler says so too, unless the props are built at run time or cast. A misspelt prop would be ignored in silence.',
    remedy: 'Take the name that the message suggests, or look at the component in API.md.',
    wrong: `new ShellProvisioner({ inlin: ['true'] })`, right: `new ShellProvisioner({ inline: ['true'] })`,
  },
  MISSING_PROP: { what: 'A prop that the component cannot do without is missing.', remedy: 'Give it. Only undefined counts as missing.' },
  WRONG_TYPE: {
    what: 'A value is not what the field takes.', why: 'Sizes and durations have their own types, so that no unit is ever guessed; components stand where their role belongs.',
    remedy: 'Give it what the message names.', wrong: `diskSize: 40`, right: `diskSize: Size.gib(40)`,
  },
  WRONG_VALUE: { what: 'A value has the right type, and the component still refuses it.', remedy: 'The message says what holds for it.' },
  RULE_BROKEN: { what: 'Props do not fit together: of some exactly one is needed, of some at most one, and some need others.', remedy: 'The message names them.' },
  MISSING_FILE: {
    what: 'A file or folder that a component reads is not there.', why: `Paths are relative to the program's folder, not to where bake was started: the same program is the same everywhere.`,
    remedy: `Mend the path. A file that an earlier step makes is written generated('path'); one that lies beside a module, new URL('./file', import.meta.url).`,
  },
  SECRET_IN_PLAIN_FIELD: {
    what: 'A secret stands where a plain value belongs.', why: 'What is in a plain field is printed, logged and stored in the plan.',
    remedy: 'Use a field that takes secrets, such as environment of a provisioner.',
    wrong: 'inline: [text`login ${Secret.env(\'TOKEN\')}`]', right: `environment: { TOKEN: Secret.env('TOKEN') }, inline: ['login "$TOKEN"']`,
  },
  // ---- builds and names ------------------------------------------------------------------------------------------------------------
  NO_SOURCES: { what: 'A build has no sources, so there is nothing to build it from.', remedy: 'Give it at least one source.' },
  NEVER_RUN: { what: 'A step names no source to run on.', why: 'An empty list in only means none, not all.', remedy: 'Name sources, or leave only out.' },
  DUPLICATE_SOURCE: {
    what: 'Two sources of one build have the same name.', why: 'A target is named by its build and its source: web/qemu.', remedy: 'Give one of them a name of its own.',
    wrong: 'sources: [new QemuSource({ … }), new QemuSource({ … })]', right: `sources: [new QemuSource({ … }), new QemuSource({ name: 'uefi', … })]`,
  },
  DUPLICATE_NAME: { what: 'Two things have the same name where names must differ.', why: 'Names of variables and locals are global in a program; those of steps are unique in their build.', remedy: 'Give one of them another name.' },
  BAD_NAME: { what: 'A name cannot be used as a part of a path.', remedy: 'Use letters, digits, dots and dashes.' },
  UNKNOWN_SOURCE: { what: 'The setting only, except or override names a source that the build does not have.', remedy: 'Take a name of the build\'s own sources: the type, where a source has no name.' },
  BAD_IMAGE: { what: 'A field that takes another build has something else, or a build without a source of the type it needs.', remedy: `Give it an ImageBuild; where it has several sources of the type, build.source('name').` },
  CYCLE: { what: 'Builds stand on each other in a circle, so none can be first.', remedy: 'Break the circle: start one of them from something else.' },
  // ---- values ------------------------------------------------------------------------------------------------------------------------
  BAD_REFERENCE: { what: 'A value refers to something that this program does not have: a variable, a local, a data source or an output.', remedy: 'Declare it in the same App, or take another.' },
  BAD_EXPRESSION: { what: 'An expression cannot be evaluated: a function refuses the value it was given.', remedy: 'Look at the values that go into it.' },
  NOT_KNOWN_YET: { what: 'A value is used before it can be known.', why: 'What a build makes is known when it is done, and some settings must be known before anything begins.', remedy: 'Use it later, in a step or a post-processor or another build; or give a value that is known.' },
  MISSING_VARIABLE: {
    what: 'A variable has no value: none was given, and it has no default.',
    remedy: 'Give one: --var name=value, BAKE_VAR_name in the environment, --var-file, new App({ variables }), or a default.',
  },
  BAD_VARIABLE: { what: `A variable's value is not of its type, or breaks one of its rules.`, remedy: 'The message says what it takes and who gave the value.' },
  UNKNOWN_VARIABLE: { what: 'A value was given for a variable that the program does not have.', why: 'A misspelt name would leave the default in place. In a variable file it is a warning, as one file may serve several programs.', remedy: 'Mend the name, or declare the variable.' },
  SECRET_ON_COMMAND_LINE: {
    what: 'The value of a secret was given with --var.', why: 'The arguments of a process are seen by every user of the computer, and shells keep them in their history.',
    remedy: 'Set BAKE_VAR_name in the environment, or give a --var-file that only you can read.',
  },
  // ---- policies ------------------------------------------------------------------------------------------------------------------------
  POLICY: { what: 'A policy of the program found something. Its id stands behind the code.', remedy: `Mend it, or accept it with a reason that will stand in the plan: build.acknowledge('policy-id', 'reason').` },
  BAD_ACKNOWLEDGEMENT: { what: 'An acknowledgement accepts nothing: the policy does not exist here, or the reason is empty.', remedy: 'Name a policy that the App has, and say why its findings are accepted.' },
  // ---- export to Packer ------------------------------------------------------------------------------------------------------------------
  EXPORT_NO_COMPONENT: { what: 'Packer has no such component, so the template does without it.', remedy: 'Do the same with a component that Packer has, or keep building with bake.' },
  EXPORT_NO_OPTION: { what: 'Packer has no option for a prop, so the template does without it.', remedy: 'Look whether the template does what you need; packerOverrides adds options of its own.' },
  EXPORT_NO_SETTING: { what: 'Packer has no such setting for steps.', remedy: 'Keep building with bake where you need it.' },
  EXPORT_UNKNOWN_OPTION: { what: 'An option is in none of the tables of the Packer components we know.', remedy: 'Check its spelling, and your version of the Packer plugin.' },
  EXPORT_BRACES: { what: 'A text holds {{ in a place where Packer would read it as its own template.', why: 'Some options of Packer have no way to say that the braces stand for themselves.', remedy: 'Move it into a script file, or into a variable of the environment.' },
  EXPORT_TYPE: { what: 'A value does not have the shape that Packer gives the option.', remedy: 'Look at the option in the documentation of the Packer plugin.' },
  EXPORT_IMAGE: { what: 'Packer cannot start one build from another of the same template: the base becomes a variable.', remedy: 'Build the base first, and give its result to the second build.' },
  EXPORT_LOGIN: { what: 'Packer has no way to bring the key of a run into the guest.', why: 'Here a seed does, which is read at the first boot.', remedy: 'Give the template a password or a private key to log in with.' },
  EXPORT_LOCAL: { what: 'Packer cannot run the steps of a guest on this computer.', remedy: 'Use shell-local provisioners.' },
  EXPORT_SCREEN: { what: 'A boot command waits for what the screen shows, which Packer cannot.', remedy: 'Set the waits of the template by trying them out.' },
  EXPORT_VALUE: { what: 'JSON templates cannot say an expression, so its value was written.', remedy: 'Export to HCL, where expressions stay.' },
  EXPORT_DATA: { what: 'JSON templates have no data sources: the output became a variable.', remedy: 'Export to HCL, or give the variable.' },
  EXPORT_VALIDATION: { what: 'A rule of a variable cannot be said in the template.', remedy: 'Write it with the rules that can be said in both: isOneOf, matches, isBetween, hasLength.' },
  EXPORT_STRUCTURAL: { what: `The program read a variable's value while it ran; what it decided by it is fixed in the template.`, remedy: 'Use the variable as a Ref, where that does.' },
  EXPORT_CLEANUP: { what: 'A Packer build has one error-cleanup provisioner; only the first was written.', remedy: 'Write them as one step.' },
  EXPORT_POLICY: { what: 'Policies are no part of a template: what they check is checked before it is written.', remedy: 'Export again whenever the program changes.' },
};

/** What a code means: of a problem, or of an error in a table that was loaded. */
export function explain(code: string): Explanation | undefined {
  const key = code.startsWith('POLICY ') ? 'POLICY' : code, problem = problemCatalogue[key];
  if (problem !== undefined) return { code: key, ...problem };
  const error = catalogue.get(key);
  return error === undefined ? undefined : ofError(key, error);
}

/** Facts stand as `<name>`: messages are functions of them. */
function ofError(code: string, entry: ErrorEntry<any>): Explanation {
  const facts = parametersOf(entry.message), say = (text: string | ((...facts: string[]) => string) | undefined): string | undefined => {
    if (typeof text !== 'function') return text;
    // A message may count or join its facts; then only the explanation is left.
    try { return text(...facts); } catch { return undefined; }
  };
  const message = say(entry.message), remedy = say(entry.remedy as string), why = entry.explain;
  return { code, what: message === undefined || /^\s*$/.test(message) ? why ?? code : message, ...(why === undefined ? {} : { why }), ...(remedy === undefined || remedy === '' ? {} : { remedy }) };
}

function parametersOf(message: (...facts: never[]) => string): string[] {
  const list = /^\s*(?:\(([^)]*)\)|(\w+))\s*=>/.exec(String(message));
  // Compilers number a name that stands elsewhere in the file too; people did not write that.
  return (list?.[1] ?? list?.[2] ?? '').split(',').map(p => p.trim().replace(/^_/, '').replace(/\s*[:=].*$/s, '').replace(/(?<=[a-z])\d$/, '')).filter(p => p !== '').map(p => `<${p}>`);
}
