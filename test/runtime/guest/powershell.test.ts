import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lengthScript, kindScript, pullScript, receiveScript, sendScript } from '../../../lib/runtime/communicators/windows-scripts.js';
import { powershellCommand, powershellInput, quotePowershell, setEnvironment } from '../../../lib/runtime/guest/powershell.js';
import { batchText, powershellText, type PowershellScript, removeText } from '../../../lib/runtime/guest/windows-script.js';
import { literalsOf, mistakesOf } from '../../support/powershell-grammar.js';

const script: PowershellScript = { content: Buffer.from('Write-Output ü'), path: `C:/Windows/Temp/it's.ps1`, environment: { A: `it's $x "y" \`z`, 'ProgramFiles(x86)': 'a\nb' }, keep: false, uploaded: false, usePwsh: false, executionPolicy: 'bypass' };
const awkward = 'C:/Users/it\u2019s "me"; $(exit) `n/x';

describe('what we write in PowerShell', () => {
  const texts: { readonly [what: string]: string } = {
    'takes files': receiveScript, 'fetches files': pullScript('http://[fe80::1]:1234/x', Buffer.alloc(32, 7), Buffer.alloc(16, 8)), 'sends a file': sendScript(awkward, 'file'), 'sends a folder': sendScript(awkward, 'folder'),
    'tells how much has arrived': lengthScript(awkward), 'tells files from folders': kindScript(awkward), 'removes files': removeText([awkward]),
    'runs a script': powershellText(script), 'runs inline commands': powershellText({ ...script, statementCodes: [0, 3010], trace: 1 }), 'runs a script by pwsh': powershellText({ ...script, usePwsh: true, keep: true }),
    'runs a script as SYSTEM': powershellText({ ...script, elevated: { user: 'SYSTEM', password: undefined, name: 'bake-1' } }),
    'runs a script as another user': powershellText({ ...script, elevated: { user: `CORP\\o'neil`, password: `pa'ss"$`, name: 'bake-1', command: 'powershell -File "C:/x y.ps1"' } }),
    'runs a batch file': batchText(script),
  };
  test.each(Object.entries(texts))('is PowerShell by its grammar: what %s', async (_what, text) => expect(await mistakesOf(text)).toEqual([]));
  test('the grammar finds mistakes', async () => {
    expect(await mistakesOf('if ($a { "b" }')).not.toEqual([]);
    expect(await mistakesOf(receiveScript.replace('switch -CaseSensitive', 'switch -CaseSensitive ('))).not.toEqual([]);
  });
  test('transfers fit into a command line of Windows', () => {
    for (const text of [receiveScript, pullScript(`http://[${'1234:'.repeat(7)}1234]:65535/${'a'.repeat(32)}`, Buffer.alloc(32), Buffer.alloc(16)), sendScript(`C:/${'x'.repeat(250)}`, 'folder')]) expect(powershellCommand(text).length).toBeLessThan(8000);
    expect(() => powershellCommand('x'.repeat(4000))).toThrow('too long');
  });
  test('a secret of a step stands in no command line', () => {
    const { command, stdin } = powershellInput(powershellText({ ...script, environment: { SECRET: 'hunter2' }, elevated: { user: 'x', password: 'hunter3', name: 'n' } }));
    const decoded = Buffer.from(command.split(' ').at(-1)!, 'base64').toString('utf16le'), sent = Buffer.from(stdin, 'base64').toString('utf8');
    expect([/hunter/.test(command), /hunter/.test(decoded), sent.includes('hunter3'), sent.includes('hunter2') || sent.includes(Buffer.from('hunter2').toString('base64'))]).toEqual([false, false, true, expect.any(Boolean)]);
  });
  test('where the execution policy is the guest\'s own, none is given', () => expect([powershellCommand('1', { executionPolicy: 'none' }), powershellCommand('1')].map(line => /-ExecutionPolicy/.test(line))).toEqual([false, true]));
});

describe('quoting', () => {
  const anything = fc.string({ unit: fc.oneof(fc.constantFrom(...`'"\`$(){};&|<>%^\\#@!~*?[]=,\r\n\t \u2018\u2019\u201a\u201b\u201c\u201dü雪🙂`), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), maxLength: 40 }).filter(text => !text.includes('\0'));
  test('any text is one literal that means exactly this text', async () => {
    await fc.assert(fc.asyncProperty(anything, async text => {
      const quoted = quotePowershell(text);
      // The grammar takes curly quotes for ordinary characters; the reference reader beside it does not.
      expect(readLiteral(quoted)).toEqual({ value: text, rest: '' });
    }), { numRuns: 2000 });
  });
  test('straight quotes, by the grammar too', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ unit: fc.constantFrom(...`ab'"\`$(){};\n ü`), maxLength: 30 }), async text => {
      expect(await literalsOf(`$x = ${quotePowershell(text)}`)).toEqual([text]);
    }), { numRuns: 300 });
  });
  test('every printable character and line ends reach a variable', async () => {
    const value = `${String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32))}\r\n\n\tü`, line = setEnvironment({ A: value });
    expect(readLiteral(line.slice(line.indexOf(`, '`) + 2)).value).toBe(value);
    expect(await mistakesOf(line)).toEqual([]);
  });
  test('NUL is refused', () => expect(() => setEnvironment({ A: 'a\0b' })).toThrow('NUL'));
});

/** A literal in single quotes as PowerShell's tokenizer reads it: any of five characters is such a quote, and two in a row are the first of them. */
function readLiteral(text: string): { readonly value: string; readonly rest: string } {
  const isQuote = (c: string | undefined): boolean => c !== undefined && `'\u2018\u2019\u201a\u201b`.includes(c);
  let value = '', at = 1;
  if (!isQuote(text[0])) throw new Error('no literal');
  for (; at < text.length; at++) {
    if (!isQuote(text[at])) { value += text[at]; continue; }
    if (!isQuote(text[at + 1])) return { value, rest: text.slice(at + 1) };
    value += text[at++];
  }
  throw new Error('it does not end');
}
