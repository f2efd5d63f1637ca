/** One script for a Windows guest, as one text for its PowerShell: writes the script, sets its variables, runs it, removes it, ends with its exit code. */
import { isUtf8 } from 'node:buffer';
import { bytesExpression, policy, quotePowershell, setEnvironment } from './powershell.js';

export interface WindowsScript {
  readonly content: Buffer;
  /** Where it lies in the guest while it runs. */
  readonly path: string;
  readonly environment: { readonly [name: string]: string };
  readonly keep: boolean;
  /** Already in the guest, since it is too large for a message. */
  readonly uploaded: boolean;
}
export interface PowershellScript extends WindowsScript {
  /** The accepted codes, where each statement's program is looked at. */
  readonly statementCodes?: readonly number[] | undefined;
  readonly usePwsh: boolean;
  readonly executionPolicy: string;
  readonly trace?: number | undefined;
  readonly elevated?: { readonly user: string; readonly password: string | undefined; readonly name: string; /** Words of cmd.exe in place of ours. */ readonly command?: string | undefined } | undefined;
}

/** Larger ones are sent as files. */
export const largest = 256 * 1024;

const head = `# bake step
$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object Text.UTF8Encoding $false } catch { }
function Say-Error($record) { [Console]::Error.WriteLine(($record | Out-String).Trim()) }
function Put([string]$path, [byte[]]$bytes) {
  $full = [IO.Path]::GetFullPath($path)
  [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($full))
  [IO.File]::WriteAllBytes($full, $bytes)
}
`;
const mark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Text with the mark by which Windows PowerShell 5 knows UTF-8; anything else as it is. */
export function markedUtf8(content: Buffer): Buffer {
  return content.every(byte => byte < 0x80) || !isUtf8(content) || content.subarray(0, 3).equals(mark) ? content : Buffer.concat([mark, content]);
}
/** Text with the line ends that cmd.exe wants. */
export const withCrLf = (content: Buffer): Buffer => content.includes(0) ? content : Buffer.from(content.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');

/** Removes files; those that are not there are none to remove. */
const remove = (paths: readonly string[]): string => `foreach ($path in @(${paths.map(quotePowershell).join(', ')})) { try { [IO.File]::Delete([IO.Path]::GetFullPath($path)) } catch { } }\n`;
const run = (body: string, script: WindowsScript, more: readonly string[] = []): string =>
  `${head}$code = 1\ntry {\n${body}} catch { Say-Error $_ } finally {\n${script.keep ? '' : remove([script.path, ...more])}}\nexit $code\n`;

/** Puts the script into the guest; where its statements are looked at, with a look after each. */
function put(script: PowershellScript): string {
  if (script.uploaded) return '';
  if (script.statementCodes === undefined) return `Put ${quotePowershell(script.path)} (${bytesExpression(script.content)})\n`;
  return `$text = [Text.Encoding]::UTF8.GetString(${bytesExpression(script.content)})
try {
  $ast = [Management.Automation.Language.Parser]::ParseInput($text, [ref]$null, [ref]$null)
  $block = $ast.EndBlock
  if ($block -and -not ($ast.ParamBlock -or $ast.BeginBlock -or $ast.ProcessBlock -or $block.Traps -or $ast.UsingStatements)) {
    $parts = foreach ($statement in $block.Statements) { $statement.Extent.Text; 'if (@(${script.statementCodes.join(', ')}) -notcontains $global:LASTEXITCODE) { exit $global:LASTEXITCODE }' }
    $text = $parts -join [Environment]::NewLine
  }
} catch { }
Put ${quotePowershell(script.path)} ([Text.Encoding]::UTF8.GetPreamble() + [Text.Encoding]::UTF8.GetBytes($text))
`;
}

/** Runs the script in the PowerShell that reads this; `$code` is how it ended. */
const runHere = (script: PowershellScript): string => `${setEnvironment(script.environment)}$global:LASTEXITCODE = 0
${script.trace === undefined ? '' : `Set-PSDebug -Trace ${script.trace}\n`}& ([IO.Path]::GetFullPath(${quotePowershell(script.path)}))
$code = $global:LASTEXITCODE
`;

/** The same as a file of its own, for a PowerShell of its own. */
function runner(script: PowershellScript, codeFile?: string): Buffer {
  return Buffer.concat([mark, Buffer.from(`${head}$code = 1\ntry {\n${runHere(script)}} catch { Say-Error $_ }\n${codeFile === undefined ? '' : `[IO.File]::WriteAllText([IO.Path]::GetFullPath(${quotePowershell(codeFile)}), [string]$code)\n`}exit $code\n`)]);
}

/** What Windows PowerShell is given for a PowerShell script. */
export function powershellText(script: PowershellScript): string {
  if (script.elevated !== undefined) return elevatedText(script, script.elevated);
  if (!script.usePwsh) return run(`${put(script)}${runHere(script)}`, script);
  const file = `${script.path}.run.ps1`;
  return run(`${put(script)}Put ${quotePowershell(file)} (${bytesExpression(runner(script))})
& pwsh -NoProfile -NonInteractive ${policy(script.executionPolicy)}-File ([IO.Path]::GetFullPath(${quotePowershell(file)}))
$code = $LASTEXITCODE
`, script, [file]);
}

const services: { readonly [name: string]: true } = { system: true, 'nt authority\\system': true, 'local service': true, 'nt authority\\local service': true, 'network service': true, 'nt authority\\network service': true };

/** By a task of the scheduler: its output goes to a file that is read while it runs, its exit code to another. */
function elevatedText(script: PowershellScript, { user, password, name, command }: NonNullable<PowershellScript['elevated']>): string {
  const file = `${script.path}.run.ps1`, log = `${script.path}.log`, codeFile = `${script.path}.code`, service = services[user.toLowerCase()] === true;
  const words = command ?? `${script.usePwsh ? 'pwsh' : 'powershell'} -NoProfile -NonInteractive ${policy(script.executionPolicy)}-File "{0}"`;
  return run(`${put(script)}Put ${quotePowershell(file)} (${bytesExpression(runner(script, codeFile))})
$file = [IO.Path]::GetFullPath(${quotePowershell(file)}); $log = [IO.Path]::GetFullPath(${quotePowershell(log)}); $ended = [IO.Path]::GetFullPath(${quotePowershell(codeFile)})
$service = New-Object -ComObject Schedule.Service
$service.Connect()
$folder = $service.GetFolder('\\')
$task = $service.NewTask(0)
$task.Settings.ExecutionTimeLimit = 'PT0S'; $task.Settings.DisallowStartIfOnBatteries = $false; $task.Settings.StopIfGoingOnBatteries = $false; $task.Settings.Priority = 4
$task.Principal.RunLevel = 1
$action = $task.Actions.Create(0)
$action.Path = 'cmd.exe'
$action.Arguments = '/c ' + ${quotePowershell(words)}.Replace('{0}', $file) + ' > "' + $log + '" 2>&1' + ${command === undefined ? `''` : `' & call echo ^%errorlevel^% > "' + $ended + '"'`}
$registered = $folder.RegisterTaskDefinition(${quotePowershell(name)}, $task, 6, ${quotePowershell(user)}, ${service || password === undefined ? '$null' : quotePowershell(password)}, ${service ? 5 : 1})
try {
  [void]$registered.Run($null)
  $out = [Console]::OpenStandardOutput(); $at = 0; $buffer = New-Object byte[] 65536; $idle = 0
  while ($true) {
    # A file that is there may still be empty.
    try { $status = [IO.File]::ReadAllText($ended).Trim() } catch { $status = '' }
    if ([IO.File]::Exists($log)) {
      $stream = [IO.File]::Open($log, 'Open', 'Read', 'ReadWrite')
      try {
        [void]$stream.Seek($at, 'Begin')
        while (($count = $stream.Read($buffer, 0, $buffer.Length)) -gt 0) { $out.Write($buffer, 0, $count); $at += $count }
        $out.Flush()
      } finally { $stream.Close() }
    }
    if ($status -match '^-?[0-9]+$') { $code = [int]$status; break }
    if ($registered.State -eq 4) { $idle = 0 } else { $idle += 1 }
    if ($idle -gt 50) { throw ('The scheduled task has ended without an exit status, or was not started (result ' + $registered.LastTaskResult + ').') }
    Start-Sleep -Milliseconds 200
  }
} finally { $folder.DeleteTask(${quotePowershell(name)}, 0) }
`, script, [file, log, codeFile]);
}

/** What Windows PowerShell is given for a batch file. */
export function batchText(script: WindowsScript): string {
  return run(`${script.uploaded ? '' : `Put ${quotePowershell(script.path)} (${bytesExpression(script.content)})\n`}${setEnvironment(script.environment)}try { [void](& chcp.com 65001) } catch { }
& $env:ComSpec /d /c ([IO.Path]::GetFullPath(${quotePowershell(script.path)}))
$code = $LASTEXITCODE
`, script);
}

/** Removes what a step has left. */
export const removeText = (paths: readonly string[]): string => `${head}${remove(paths)}`;

/** A script that sets variables: what `{{.Vars}}` names for a PowerShell script. */
export const variablesFile = (environment: { readonly [name: string]: string }): Buffer => Buffer.concat([mark, Buffer.from(setEnvironment(environment))]);

/** Commands of cmd.exe that set variables. What cmd.exe cannot carry (line ends) is refused by the caller. */
export const batchVariables = (environment: { readonly [name: string]: string }): string =>
  Object.entries(environment).map(([name, value]) => `set "${name}=${value.replaceAll('%', '^%')}" && `).join('');

/** Inline commands as one batch file: each is looked at, where none is part of something larger. */
export function batchOf(lines: readonly string[], accepted: readonly number[]): Buffer {
  const larger = lines.some(line => /\^\s*$|\(\s*$|^\s*\)|^\s*:|\bgoto\b/im.test(line) || line.includes('\n'));
  const look = `${accepted.map(code => `if not "%errorlevel%"=="${code}" `).join('')}exit /b %errorlevel%`;
  return Buffer.from(`@echo off\r\n${lines.map(line => larger ? line : `${line}\r\n${look}`).join('\r\n').replace(/\r?\n/g, '\r\n')}\r\n`);
}
