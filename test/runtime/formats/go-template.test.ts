import { expect, test } from 'vitest';
import { fillTemplate, templateProblems } from '../../../lib/runtime/formats/go-template.js';

const values = { Sudo: true, Path: '/tmp/x y', Empty: '', Off: false };

test.each([
  ['plain', 'plain'], ['{{ .Path }}', '/tmp/x y'], ['{{.Path}} {{ .Path }}', '/tmp/x y /tmp/x y'], ['} {single} }}', '} {single} }}'],
  ['{{if .Sudo}}sudo -E {{end}}puppet', 'sudo -E puppet'], ['{{if .Off}}a{{else}}b{{end}}', 'b'], ['{{if .Off}}a{{else if .Sudo}}b{{else}}c{{end}}', 'b'], ['{{if .Off}}a{{else if .Empty}}b{{else}}c{{end}}', 'c'],
  ['{{if ne .Empty ""}}x{{end}}y', 'y'], ['{{if ne .Path ""}}--p={{.Path}} {{end}}y', '--p=/tmp/x y y'], ['{{if eq .Path "/tmp/x y"}}same{{end}}', 'same'],
  ['{{if and .Sudo (not .Off)}}both{{end}}', 'both'], ['{{if or .Off .Empty}}one{{else}}none{{end}}', 'none'],
  ['a {{- if .Sudo }} b{{ end -}} c', 'a bc'], ['{{if .Sudo}}{{if .Off}}x{{else}}y{{end}}z{{end}}', 'yz'], ['{{/* it\'s "a" comment */}}x', 'x'], ['{{`{{ raw }}`}}', '{{ raw }}'], ['{{ "a\\"}}\\n" }}', 'a"}}\n'],
])('%s', (template, expected) => { expect(fillTemplate(template, values)).toBe(expected); });

test.each([
  ['{{ .Nothing }}', '{{ .Nothing }}'], ['{{if .Sudo}}x', 'has no end'], ['x{{end}}', 'no if before'], ['x{{ .Path', 'opened and not closed'], ['{{ printf "x" }}', `'printf' is not known`], ['{{ .Path .Path }}', `'.Path' is too much`], ['{{if (not .Off}}x{{end}}', 'not closed'],
])('%s is an error that says why', (template, why) => { expect(() => fillTemplate(template, values)).toThrow(why); });

test('what is wrong is known before the build', () => {
  expect(templateProblems('sudo {{ .Script }}', ['Path', 'Vars'], 'executeCommand')).toEqual([{ code: 'TEMPLATE_UNKNOWN', message: 'The template mentions {{ .Script }}, which is not known here.', field: 'executeCommand', remedy: 'Known are: {{ .Path }}, {{ .Vars }}.' }]);
  expect(templateProblems('{{if .Vars}}{{.Path}}{{else}}x{{end}}', ['Path', 'Vars'], 'executeCommand')).toEqual([]);
  expect(templateProblems(undefined, [], 'executeCommand')).toEqual([]);
});
