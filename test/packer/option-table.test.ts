import { expect, test, vi } from 'vitest';
import { fieldsOf } from '../../lib/fields.js';
import { pluginOf } from '../../lib/packer/components/catalogue.js';
import * as packer from '../../lib/packer/index.js';
import { packerKind } from '../../lib/packer/kind.js';
import { optionName, packerClassName, propName } from '../../lib/packer/names.js';
import { componentOptions, findComponent, type OptionTable } from '../../lib/packer/option-table.js';
import { allPackerRules } from '../../lib/packer/rules/index.js';
import { Duration } from '../../lib/values.js';

const components = Object.keys(pluginOf).map(key => ({ key, role: key.slice(0, key.indexOf('/')), type: key.slice(key.indexOf('/') + 1) }));
const ourRole = (role: string): string => (role === 'builder' ? 'source' : role);

test('every component of the table has a class that is exported', () => {
  expect(components.length).toBeGreaterThanOrEqual(89);
  expect(components.filter(c => typeof (packer as { [name: string]: unknown })[packerClassName(c.role, c.type)] !== 'function')).toEqual([]);
});

test('a component that is not in the table is not found, and asking for it says what to use', () => {
  expect(findComponent('source', 'toString')).toBeUndefined();
  expect(() => componentOptions('source', 'my-plugin')).toThrow(/no component 'builder\/my-plugin'/);
});

test('each option becomes one prop, and the field of the prop leads back to the option', () => {
  const wrong: string[] = [];
  const walk = (options: OptionTable, fields: object, at: string): void => {
    const back = new Map(fieldsOf(fields).map(([prop, f]) => [f.packerName ?? optionName(prop), f]));
    if (back.size !== Object.keys(options).length) wrong.push(`${at}: ${Object.keys(options).length} options, ${back.size} fields`);
    for (const [name, option] of Object.entries(options)) {
      const field = back.get(name);
      if (field === undefined) wrong.push(`${at}.${name} has no field`);
      else if ('block' in option && (field.type.is === 'object' || field.type.is === 'objects')) walk(option.options, field.type.fields, `${at}.${name}`);
      else if ('block' in option) wrong.push(`${at}.${name} is no block`);
    }
  };
  // pause_after is a setting of every step.
  const optionsOf = (role: string, type: string): OptionTable => Object.fromEntries(Object.entries(componentOptions(role, type).options).filter(([name]) => role !== 'provisioner' || name !== 'pause_after'));
  for (const { key, role, type } of components) walk(optionsOf(role, type), packerKind(ourRole(role) as 'source', type).fields, key);
  expect(wrong).toEqual([]);
});

test('names that fail the round trip are named one by one', () => {
  expect([propName('iso_url'), propName('custom_endpoint_ec2'), propName('CPU_hot_plug'), propName('vTPM'), propName('gfx_accelerate_3d')]).toEqual(['isoUrl', 'customEndpointEc2', 'cpuHotPlug', 'vtpm', 'gfxAccelerate3d']);
  expect((packerKind('source', 'vsphere-iso').fields as { [prop: string]: { packerName?: string } })['cpuHotPlug']?.packerName).toBe('CPU_hot_plug');
});

test('rules speak of options that are there', () => {
  const wrong: string[] = [];
  for (const [key, rules] of Object.entries(allPackerRules)) {
    const [role, type] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)];
    const props = Object.keys(packerKind(role as 'source', type).fields);
    for (const rule of rules) for (const name of rule.fields) if (!props.includes(name)) wrong.push(`${key}: ${name}`);
  }
  expect(wrong).toEqual([]);
});

test('alternatives are rules: docker makes one thing of commit, discard and export_path', () => {
  const rules = packerKind('source', 'docker').rules;
  const problems = (props: { [name: string]: unknown }): string[] => rules.flatMap(r => r.check(f => props[f] !== undefined, f => props[f]) ?? []);
  expect(problems({ image: 'debian', commit: true })).toEqual([]);
  expect(problems({ image: 'debian', commit: true, discard: true })).toEqual(['needs exactly one of commit, discard, exportPath, and has commit and discard']);
});

test('a duration takes a Duration, or the notation of Go, and nothing else', () => {
  const { check } = (packerKind('source', 'qemu').fields as { [prop: string]: { check?: (value: unknown) => string | undefined } })['sshTimeout']!;
  expect([check!('20m'), check!(Duration.minutes(20))]).toEqual([undefined, undefined]);
  expect(check!('twenty minutes')).toContain(`'1h30m'`);
});

test('the kind of a component names what to do instead of building it, and is no kind of the runtime', () => {
  const { kind, name } = new packer.PackerVsphereIsoSource({ vcenterServer: 'v' });
  expect([kind.key, name, kind.packerType]).toEqual(['source/packer:vsphere-iso', 'vsphere-iso', 'vsphere-iso']);
  expect(kind.exportOnly).toContain('packer-hcl');
});

test('importing the classes, and making a component, reads no table', async () => {
  vi.resetModules();
  const fresh = await import('../../lib/packer/index.js');
  const { kind } = new fresh.PackerLxdSource({ image: 'x' });
  expect(Object.getOwnPropertyDescriptor(kind, 'fields')?.get).toBeTypeOf('function');
  expect(Object.keys(kind.fields)).toContain('image');
  expect(Object.getOwnPropertyDescriptor(kind, 'fields')?.get).toBeUndefined();
});

test('outputs of a data source are typed Refs', () => {
  const kind = packerKind<'data', 'http', packer.PackerHttpDataOutputs>('data', 'http');
  expect(Object.keys(kind.outputs)).toEqual(['body', 'requestHeaders', 'url']);
});
