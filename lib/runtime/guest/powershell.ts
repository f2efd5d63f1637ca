/** Text of ours for Windows PowerShell: quoting, and command lines that carry a script through any shell unchanged. */
import { errors } from '../../errors.js';

const fail = errors('POWERSHELL', {
  NUL: { message: (what: string) => `${what} contains a NUL character, which no command line or environment can carry.`, remedy: 'Take the character out, or put the value into a file and upload that.' },
  TOO_LONG: { message: (bytes: number) => `A script of ${bytes} bytes is too long for a command line of Windows.` },
});

/** One literal that means exactly this text: in single quotes nothing is special but what PowerShell takes for a single quote, curly ones too. */
export function quotePowershell(text: string): string {
  if (text.includes('\0')) throw fail.NUL('A text for PowerShell');
  return `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
}

/** Most characters of a command line that cmd.exe takes. */
const longest = 8000;

/**
 * A command line, for cmd.exe and PowerShell alike, that runs the script in Windows PowerShell: only letters and digits stand in it. Lines of standard input are its `$input`.
 * Throws POWERSHELL_TOO_LONG from some 2,900 characters on: longer ones travel as `powershellInput`.
 */
export function powershellCommand(script: string, options: { readonly program?: string; readonly executionPolicy?: string } = {}): string {
  // Without the output's format said, errors of an encoded command come as XML.
  const line = `${options.program ?? 'powershell'} -NoProfile -NonInteractive ${policy(options.executionPolicy ?? 'Bypass')}-OutputFormat Text -EncodedCommand ${Buffer.from(script, 'utf16le').toString('base64')}`;
  if (line.length > longest) throw fail.TOO_LONG(Buffer.byteLength(script));
  return line;
}
/** `none`: what the guest has set. */
export const policy = (name: string): string => name === 'none' ? '' : `-ExecutionPolicy ${name} `;

/** Runs what comes by standard input as base64: of any length, and nothing of it stands in a command line, where others could read it. */
const reader = `$t = -join @($input); . ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String(($t -replace '[^A-Za-z0-9+/=]', '')))))`;

/** A script of any length, as a command and its standard input. */
export function powershellInput(script: string, options: { readonly executionPolicy?: string } = {}): { readonly command: string; readonly stdin: string } {
  return { command: powershellCommand(reader, options), stdin: `${Buffer.from(script, 'utf8').toString('base64').replace(/.{16384}/g, '$&\n')}\n` };
}

/** An expression whose value is these bytes. */
export const bytesExpression = (bytes: Uint8Array): string => `[Convert]::FromBase64String('${Buffer.from(bytes).toString('base64')}')`;

/** Lines that set variables of the environment; values arrive as they are. */
export function setEnvironment(environment: { readonly [name: string]: string }): string {
  return Object.entries(environment).map(([name, value]) => {
    if (name.includes('\0') || value.includes('\0')) throw fail.NUL(`The value of ${name}`);
    return `[Environment]::SetEnvironmentVariable(${quotePowershell(name)}, ${quotePowershell(value)}, 'Process')\n`;
  }).join('');
}
