/** Values that only a running target knows, in Packer's words: as its template text while a source starts, as `build.X` in steps. */
import type { Place } from './packer-body.js';

interface HostValue {
  /** While a source starts; undefined: not known there. */
  readonly source?: string;
  /** In steps, in HCL, and in JSON where that has it. */
  readonly hcl: string;
  readonly json?: string;
}
const build = (name: string, source?: string): HostValue => ({ hcl: `build.${name}`, json: `{{ build \`${name}\` }}`, ...(source === undefined ? {} : { source }) });

const values: { readonly [name: string]: HostValue } = {
  httpAddress: build('PackerHTTPAddr', '{{ .HTTPIP }}:{{ .HTTPPort }}'), httpIp: build('PackerHTTPIP', '{{ .HTTPIP }}'), httpPort: build('PackerHTTPPort', '{{ .HTTPPort }}'),
  guestHost: build('Host'), guestPort: build('Port'), guestUser: build('User'),
  sourceName: { source: '{{ build_name }}', hcl: 'source.name', json: '{{ build_name }}' }, sourceType: { source: '{{ build_type }}', hcl: 'source.type', json: '{{ build_type }}' }, buildName: { hcl: 'build.name' },
  sourceAmi: build('SourceAMI', '{{ .SourceAMI }}'), sourceAmiName: build('SourceAMIName', '{{ .SourceAMIName }}'), sourceAmiOwner: build('SourceAMIOwner', '{{ .SourceAMIOwner }}'),
  sourceAmiOwnerName: build('SourceAMIOwnerName', '{{ .SourceAMIOwnerName }}'), sourceAmiCreationDate: build('SourceAMICreationDate', '{{ .SourceAMICreationDate }}'), buildRegion: build('BuildRegion', '{{ .BuildRegion }}'),
};

/** In HCL: a text, or an expression. */
export function hostInHcl(name: string, place: Place): { readonly literal: string } | { readonly hcl: string } {
  if (name === 'templateFolder') return { hcl: 'path.root' };
  const value = values[name], text = place === 'source' ? value?.source : undefined;
  return text === undefined ? { hcl: value?.hcl ?? `build.${name}` } : { literal: text };
}

/** In JSON, as text; undefined where it cannot be said. */
export function hostInJson(name: string, place: Place): string | undefined {
  if (name === 'templateFolder') return '{{template_dir}}';
  return place === 'source' ? values[name]?.source : values[name]?.json;
}
