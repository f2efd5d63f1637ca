/** The query protocols of AWS, from the server's side, by the SDK's own models: what a model does not know is refused, what an answer may not hold is an error of ours. */
import { NormalizedSchema } from '@smithy/core/schema';

/** Form parameters in, input out; output in, XML out. */
export interface Operation { readonly name: string; readonly input: NormalizedSchema; readonly output: NormalizedSchema }
export type Dialect = 'ec2' | 'query';

/** What the parameters of a request are wrong in, with AWS's code for it. */
export class BadParameters extends Error { constructor(readonly code: string, message: string) { super(message); } }

/** The operation of a client module: its `NameCommand` carries the model. */
export function operationOf(module: object, name: string): Operation | undefined {
  const Command = (module as { readonly [key: string]: unknown })[`${name}Command`] as (new (input: object) => { readonly schema: readonly unknown[] }) | undefined;
  if (Command === undefined) return undefined;
  const { schema } = new Command({});
  return { name, input: NormalizedSchema.of(schema[4] as never), output: NormalizedSchema.of(schema[5] as never) };
}

// ---- requests ------------------------------------------------------------------------------------------------------------------

interface Node { value?: string; readonly members: Map<string, Node> }

/** The input of an operation from its form parameters. Throws BadParameters for whatever the model does not have. */
export function parseInput(operation: Operation, parameters: URLSearchParams, dialect: Dialect): { readonly [name: string]: unknown } {
  const root: Node = { members: new Map() };
  for (const [key, value] of parameters) {
    if (key === 'Action' || key === 'Version') continue;
    let node = root;
    for (const part of key.split('.')) {
      if (!node.members.has(part)) node.members.set(part, { members: new Map() });
      node = node.members.get(part)!;
    }
    node.value = value;
  }
  return operation.input.isStructSchema() ? readStruct(operation.input, root, '', dialect) : {};
}

function readStruct(schema: NormalizedSchema, node: Node, at: string, dialect: Dialect): { readonly [name: string]: unknown } {
  const out: { [name: string]: unknown } = {}, seen = new Set<string>();
  const required = (schema.getSchema() as readonly unknown[])[6];
  let index = 0;
  for (const [name, member] of schema.structIterator()) {
    const key = memberKey(name, member, dialect), found = node.members.get(key);
    if (found) { seen.add(key); out[name] = read(member, found, at === '' ? key : `${at}.${key}`, dialect); }
    else if (typeof required === 'number' && index < required) throw new BadParameters('MissingParameter', `The request must contain the parameter ${at === '' ? '' : `${at}.`}${key}`);
    index += 1;
  }
  for (const key of node.members.keys()) if (!seen.has(key)) throw new BadParameters('UnknownParameter', `The parameter ${at === '' ? '' : `${at}.`}${key} is not recognized`);
  return out;
}

function memberKey(name: string, member: NormalizedSchema, dialect: Dialect): string {
  const traits = member.getMergedTraits() as { readonly ec2QueryName?: string; readonly xmlName?: string };
  if (dialect === 'ec2' && traits.ec2QueryName !== undefined) return traits.ec2QueryName;
  const key = traits.xmlName ?? name;
  return dialect === 'ec2' ? key.charAt(0).toUpperCase() + key.slice(1) : key;
}

function read(schema: NormalizedSchema, node: Node, at: string, dialect: Dialect): unknown {
  if (schema.isStructSchema()) return readStruct(schema, node, at, dialect);
  if (schema.isListSchema()) {
    const items = dialect === 'ec2' ? node.members : node.members.get('member')?.members ?? new Map<string, Node>();
    for (const key of items.keys()) if (!/^[1-9]\d*$/.test(key)) throw new BadParameters('UnknownParameter', `The parameter ${at}.${key} is not recognized`);
    return [...items].sort(([a], [b]) => Number(a) - Number(b)).map(([i, item]) => read(schema.getValueSchema(), item, `${at}.${i}`, dialect));
  }
  if (node.members.size > 0) throw new BadParameters('UnknownParameter', `The parameter ${at}.${[...node.members.keys()][0]} is not recognized`);
  const text = node.value ?? '';
  if (schema.isBooleanSchema()) {
    if (text !== 'true' && text !== 'false') throw new BadParameters('InvalidParameterValue', `Value (${text}) for parameter ${at} is invalid. It must be true or false.`);
    return text === 'true';
  }
  if (schema.isNumericSchema()) {
    if (text === '' || !Number.isFinite(Number(text))) throw new BadParameters('InvalidParameterValue', `Value (${text}) for parameter ${at} is invalid. It must be a number.`);
    return Number(text);
  }
  if (schema.isTimestampSchema()) {
    if (Number.isNaN(Date.parse(text))) throw new BadParameters('InvalidParameterValue', `Value (${text}) for parameter ${at} is invalid. It must be a date.`);
    return new Date(text);
  }
  return schema.isBlobSchema() ? Buffer.from(text, 'base64') : text;
}

// ---- answers -------------------------------------------------------------------------------------------------------------------

/** The answer of an operation as XML. Throws for members that the model does not have: a fault of the test server. */
export function writeOutput(operation: Operation, output: object, dialect: Dialect, requestId: string): string {
  const body = operation.output.isStructSchema() ? writeStruct(operation.output, output, operation.name) : '';
  return dialect === 'ec2' ? `<${operation.name}Response><requestId>${requestId}</requestId>${body}</${operation.name}Response>`
    : `<${operation.name}Response><${operation.name}Result>${body}</${operation.name}Result><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation.name}Response>`;
}

export function writeError(code: string, message: string, dialect: Dialect, requestId: string): string {
  const error = `<Code>${escape(code)}</Code><Message>${escape(message)}</Message>`;
  return dialect === 'ec2' ? `<Response><Errors><Error>${error}</Error></Errors><RequestID>${requestId}</RequestID></Response>`
    : `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
}

function writeStruct(schema: NormalizedSchema, value: object, at: string): string {
  const given = value as { readonly [name: string]: unknown }, known = schema.getMemberSchemas();
  for (const name of Object.keys(given)) if (known[name] === undefined) throw new Error(`The test server answers with ${at}.${name}, which the model of ${schema.getName()} does not have.`);
  let out = '';
  for (const [name, member] of schema.structIterator()) {
    if (given[name] === undefined || given[name] === null) continue;
    const tag = (member.getMemberTraits() as { readonly xmlName?: string }).xmlName ?? name;
    out += `<${tag}>${write(member, given[name], `${at}.${name}`)}</${tag}>`;
  }
  return out;
}

function write(schema: NormalizedSchema, value: unknown, at: string): string {
  if (schema.isStructSchema()) return writeStruct(schema, value as object, at);
  if (schema.isListSchema()) {
    const item = schema.getValueSchema(), tag = (item.getMergedTraits() as { readonly xmlName?: string }).xmlName ?? 'member';
    return (value as readonly unknown[]).map((each, i) => `<${tag}>${write(item, each, `${at}[${i}]`)}</${tag}>`).join('');
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return escape(String(value));
}

const escape = (text: string): string => text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
