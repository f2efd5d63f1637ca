/** The messages of WS-Management that a remote shell takes ([MS-WSMV]): what is asked, and what comes back. */
import { randomUUID } from 'node:crypto';
import { type Element, escapeXml, find, readXml } from './xml.js';

const shellUri = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd';
const rsp = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';
const transfer = 'http://schemas.xmlsoap.org/ws/2004/09/transfer';

export interface Request { readonly action: string; readonly shell?: string; readonly options?: { readonly [name: string]: string }; readonly body?: string; /** Seconds after which the server answers that nothing has happened yet. */ readonly timeout?: number }
export type Stream = 'stdout' | 'stderr';

/** A fault that the server reports: `code` is WS-Man's number, or the name of the subcode. */
export class WsmanFault extends Error {
  constructor(message: string, readonly code: string, readonly status: number) { super(message); }
  /** Nothing came in time; the command runs on. */
  get timedOut(): boolean { return this.code === '2150858793' || this.code === 'TimedOut'; }
  /** The shell that was named is not there: the service was started anew, or it was idle too long. */
  get shellGone(): boolean { return this.code === '2150858843' || this.code === 'InvalidSelectors'; }
  get denied(): boolean { return this.code === '5' || this.code === 'AccessDenied'; }
  /** Too many shells, or operations, of this user. */
  get quota(): boolean { return ['2150859174', '2150859172', '2150859173', '2150859176', 'QuotaLimit'].includes(this.code); }
}

/** The envelope of a request. */
export function envelope(url: string, { action, shell, options, body = '', timeout = 60 }: Request): string {
  const optionSet = options === undefined ? '' : `<w:OptionSet s:mustUnderstand="true">${Object.entries(options).map(([name, value]) => `<w:Option Name="${name}">${escapeXml(value)}</w:Option>`).join('')}</w:OptionSet>`;
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd" xmlns:rsp="${rsp}"><s:Header>`
    + `<a:To>${escapeXml(url)}</a:To><a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:Action s:mustUnderstand="true">${action}</a:Action><a:MessageID>uuid:${randomUUID().toUpperCase()}</a:MessageID>`
    + `<w:ResourceURI s:mustUnderstand="true">${shellUri}</w:ResourceURI><w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize><w:Locale xml:lang="en-US" s:mustUnderstand="false"/><p:DataLocale xml:lang="en-US" s:mustUnderstand="false"/><w:OperationTimeout>PT${timeout}S</w:OperationTimeout>`
    + `${optionSet}${shell === undefined ? '' : `<w:SelectorSet><w:Selector Name="ShellId">${escapeXml(shell)}</w:Selector></w:SelectorSet>`}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

/** The body of an answer. Throws the fault that it holds, or an Error where it is no SOAP. */
export function readAnswer(text: string, status: number): Element {
  const root = readXml(text), body = find(root, 'Body');
  if (root.name !== 'Envelope' || body === undefined) throw new Error('it is no SOAP message');
  const fault = find(body, 'Fault');
  if (fault === undefined) return body;
  const detail = find(fault, 'WSManFault'), reason = find(fault, 'Reason'), subcode = find(fault, 'Subcode');
  const message = [detail && find(detail, 'Message')?.text, reason && find(reason, 'Text')?.text].find(words => words !== undefined && words.trim() !== '');
  const named = (subcode && find(subcode, 'Value')?.text) ?? '';
  throw new WsmanFault((message ?? `the server reports a fault (${named || status})`).trim().replace(/\s+/g, ' '), detail?.attributes['Code'] ?? named.slice(named.indexOf(':') + 1), status);
}

/** Opens a shell: a session of cmd.exe that commands run in, one beside another. Its streams are UTF-8. */
export const createShell = (): Request => ({
  action: `${transfer}/Create`, options: { WINRS_NOPROFILE: 'FALSE', WINRS_CODEPAGE: '65001' },
  body: '<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>',
});
export const deleteShell = (shell: string): Request => ({ action: `${transfer}/Delete`, shell });
/** Runs a command line by cmd.exe. Standard input is a pipe, not a console: bytes arrive as they are. */
export const startCommand = (shell: string, line: string): Request => ({
  action: `${rsp}/Command`, shell, options: { WINRS_CONSOLEMODE_STDIN: 'FALSE', WINRS_SKIP_CMD_SHELL: 'FALSE' }, body: `<rsp:CommandLine><rsp:Command>${escapeXml(line)}</rsp:Command></rsp:CommandLine>`,
});
export const receive = (shell: string, command: string, timeout: number): Request => ({ action: `${rsp}/Receive`, shell, timeout, body: `<rsp:Receive><rsp:DesiredStream CommandId="${escapeXml(command)}">stdout stderr</rsp:DesiredStream></rsp:Receive>` });
export const send = (shell: string, command: string, data: Uint8Array, end: boolean): Request => ({
  action: `${rsp}/Send`, shell, body: `<rsp:Send><rsp:Stream Name="stdin" CommandId="${escapeXml(command)}"${end ? ' End="true"' : ''}>${Buffer.from(data).toString('base64')}</rsp:Stream></rsp:Send>`,
});
export const signal = (shell: string, command: string, code: 'terminate' | 'ctrl_c'): Request => ({ action: `${rsp}/Signal`, shell, body: `<rsp:Signal CommandId="${escapeXml(command)}"><rsp:Code>${rsp}/signal/${code}</rsp:Code></rsp:Signal>` });

/** The id of a new shell. */
export function shellIdOf(body: Element): string | undefined {
  const by = (element: Element): string | undefined => element.name === 'Selector' && element.attributes['Name'] === 'ShellId' ? element.text : element.children.map(by).find(id => id !== undefined);
  return by(body) ?? find(body, 'ShellId')?.text;
}
export const commandIdOf = (body: Element): string | undefined => find(body, 'CommandId')?.text;

export interface Received { readonly chunks: readonly { readonly stream: Stream; readonly data: Buffer }[]; readonly done: boolean; readonly exitCode: number | undefined }
/** What a command has written since it was last asked, in order, and whether it has ended. */
export function readReceived(body: Element): Received {
  const answer = find(body, 'ReceiveResponse'), state = answer && find(answer, 'CommandState'), code = state && find(state, 'ExitCode')?.text;
  const chunks = (answer?.children ?? []).filter(child => child.name === 'Stream' && child.text.trim() !== '').map(child => ({ stream: child.attributes['Name'] === 'stderr' ? 'stderr' as const : 'stdout' as const, data: Buffer.from(child.text, 'base64') }));
  return { chunks, done: state?.attributes['State']?.endsWith('/Done') === true, exitCode: code !== undefined && /^-?\d+$/.test(code.trim()) ? Number(code) : undefined };
}
