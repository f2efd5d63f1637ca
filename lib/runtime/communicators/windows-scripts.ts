/** What the guest runs for a transfer, in Windows PowerShell 2 and later. All of it fits into a command line; a test holds that, and reads it with a grammar of PowerShell. */
import { bytesExpression, quotePowershell } from '../guest/powershell.js';

/** Exit codes of these scripts. */
export const refused = { write: 3, hash: 6, early: 4 } as const;
export const unreachable = 5;

const head = `$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'
function Fail($code, $what) { [Console]::Error.WriteLine($what); exit $code }
`;

/** Takes lines of `windows-files`: writes each file beside its place, checks its hash, and puts it there. */
const take = `$state = @{ file = $null; path = ''; part = ''; done = $false }
function Hash($name) {
  $stream = [IO.File]::OpenRead($name)
  try { return [BitConverter]::ToString((New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash($stream)).Replace('-', '').ToLower() } finally { $stream.Close() }
}
function Take([string]$line) {
  $line = $line -replace '[^!-~]', ''
  if ($line.Length -eq 0) { return }
  $rest = $line.Substring(1)
  switch -CaseSensitive ($line.Substring(0, 1)) {
    ':' { $bytes = [Convert]::FromBase64String($rest); $state.file.Write($bytes, 0, $bytes.Length) }
    'D' { [void][IO.Directory]::CreateDirectory([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($rest))) }
    'F' {
      $words = $rest.Split('|')
      $state.path = [IO.Path]::GetFullPath([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($words[0])))
      if ([IO.Directory]::Exists($state.path)) { throw 'it is a folder' }
      [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($state.path))
      $state.part = $state.path + '.bake-part'
      $state.file = [IO.File]::Open($state.part, 'OpenOrCreate', 'ReadWrite', 'Read')
      $state.file.SetLength([long]$words[1])
      [void]$state.file.Seek(0, 'End')
    }
    'E' {
      $state.file.Close(); $state.file = $null
      if ((Hash $state.part) -ne $rest) { [IO.File]::Delete($state.part); Fail ${refused.hash} 'the hash differs' }
      if ([IO.File]::Exists($state.path)) { [IO.File]::Delete($state.path) }
      [IO.File]::Move($state.part, $state.path)
    }
    'Q' { $state.done = $true }
  }
}
`;
const why = '($_.Exception.GetBaseException().Message)';

/** Reads the lines from standard input. */
export const receiveScript = `begin {
${head}${take}}
process { try { Take $_ } catch { if ($state.file) { $state.file.Close() }; Fail ${refused.write} ${why} } }
end { if ($state.file) { $state.file.Close() }; if (-not $state.done) { Fail ${refused.early} 'the data ends too early' } }
`;

/** Fetches the same lines, encrypted, from us. */
export const pullScript = (url: string, key: Uint8Array, iv: Uint8Array): string => `${head}${take}try {
  $request = [Net.WebRequest]::Create('${url}'); $request.Proxy = $null; $request.Timeout = 5000; $request.ReadWriteTimeout = 60000
  $answer = $request.GetResponse()
} catch { Fail ${unreachable} ${why} }
try {
  $aes = New-Object Security.Cryptography.AesCryptoServiceProvider
  $aes.Key = ${bytesExpression(key)}; $aes.IV = ${bytesExpression(iv)}
  $reader = New-Object IO.StreamReader((New-Object Security.Cryptography.CryptoStream($answer.GetResponseStream(), $aes.CreateDecryptor(), 'Read')))
  while ($null -ne ($text = $reader.ReadLine())) { Take $text }
} catch { if ($state.file) { $state.file.Close() }; Fail ${refused.write} ${why} }
if (-not $state.done) { Fail ${refused.early} 'the data ends too early' }
`;

/** Prints how much of a file has arrived already. */
export const lengthScript = (path: string): string => `${head}$part = [IO.Path]::GetFullPath(${quotePowershell(path)}) + '.bake-part'
if ([IO.File]::Exists($part)) { [Console]::Out.Write((New-Object IO.FileInfo $part).Length) } else { [Console]::Out.Write(0) }
`;

/** Writes a file, or all that a folder holds, as lines to standard output. What lies behind junctions and links to folders is left out. */
export const sendScript = (path: string, what: 'file' | 'folder'): string => `${head}function Text([string]$name) { [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($name)) }
function Send-File([string]$full, [string]$name) {
  $stream = [IO.File]::Open($full, 'Open', 'Read', 'ReadWrite')
  try {
    [Console]::Out.WriteLine('F' + (Text $name))
    $sha = New-Object Security.Cryptography.SHA256CryptoServiceProvider
    $buffer = New-Object byte[] 98304
    while (($count = $stream.Read($buffer, 0, $buffer.Length)) -gt 0) {
      [void]$sha.TransformBlock($buffer, 0, $count, $buffer, 0)
      [Console]::Out.WriteLine(':' + [Convert]::ToBase64String($buffer, 0, $count))
    }
    [void]$sha.TransformFinalBlock($buffer, 0, 0)
    [Console]::Out.WriteLine('E' + [BitConverter]::ToString($sha.Hash).Replace('-', ''))
  } finally { $stream.Close() }
}
function Send-Folder([string]$full, [string]$name) {
  [Console]::Out.WriteLine('D' + (Text $name))
  foreach ($entry in (New-Object IO.DirectoryInfo $full).GetFileSystemInfos()) {
    $below = $name + '/' + $entry.Name
    if (-not ($entry.Attributes -band [IO.FileAttributes]::Directory)) { Send-File $entry.FullName $below }
    elseif (-not ($entry.Attributes -band [IO.FileAttributes]::ReparsePoint)) { Send-Folder $entry.FullName $below }
  }
}
try { ${what === 'file' ? 'Send-File' : 'Send-Folder'} ([IO.Path]::GetFullPath(${quotePowershell(path)})) '.'; [Console]::Out.WriteLine('Q') } catch { Fail ${refused.write} ${why} }
`;

/** Ends with 10 for a folder, 11 for anything else that is there, 0 for nothing. */
export const kindScript = (path: string): string => `${head}$path = [IO.Path]::GetFullPath(${quotePowershell(path)})
if ([IO.Directory]::Exists($path)) { exit 10 }; if ([IO.File]::Exists($path)) { exit 11 }; exit 0
`;
