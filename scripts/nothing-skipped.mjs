// Reads vitest's JSON report: fails where a test was skipped, or a file of tests did not run at all.
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ran = new Map(report.testResults.map(file => [relative(process.cwd(), file.name), file.assertionResults]));
const files = ['test', 'templates-examples'].flatMap(folder => readdirSync(folder, { recursive: true }).map(name => `${folder}/${name}`)).filter(name => /(?<!\.series)\.test\.ts$/.test(name) && !/(^|\/)(node_modules|fixtures)\//.test(name));
// What .ci/run could not get, and said so.
const without = (process.env.BAKE_WITHOUT ?? '').split(' ').filter(name => name !== '');
const excused = test => test.status !== 'failed' && without.some(name => test.fullName.includes(`lacks ${name}]`));
const complaints = [
  ...files.filter(file => !ran.get(file)?.some(test => test.status === 'passed' || excused(test))).map(file => `${file}: no test of it passed`),
  ...[...ran].flatMap(([file, tests]) => tests.filter(test => test.status !== 'passed' && !excused(test)).map(test => `${file}: ${test.status}: ${test.fullName}`)),
];
for (const complaint of complaints) console.error(complaint);
console.log(complaints.length === 0 ? `every test of ${files.length} files ran` : `${complaints.length} complaints`);
process.exit(complaints.length === 0 ? 0 : 1);
