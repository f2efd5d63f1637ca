import { DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, ShellProvisioner } from 'imagebake';
import { Guest, Match, simulate, Template } from 'imagebake/testing';
import { expect, test } from 'vitest';
import { app } from './images.js';

const template = Template.fromApp(app);

test('one image, from a Debian that serves pages on port 80', () => {
  template.hasNoProblems().resourceCount(ImageBuild, 1).hasBuild('web', { sources: ['docker'] });
  template.hasSource(DockerSource, { image: Match.stringLike('debian:*'), commit: true, changes: Match.arrayWith(['EXPOSE 80']) });
});

test('the site is there before it is stamped with the release', () => {
  template.hasProvisionersInOrder('web', [[ShellProvisioner, { inline: Match.arrayWith([Match.regexp(/nginx/)]) }], [FileProvisioner, { source: 'site/' }], [ShellProvisioner, { environment: { RELEASE: '1.0.0' } }]]);
});

test('it is tagged with the release and as the latest', () => {
  template.hasPostProcessor(DockerTagPostProcessor, { repository: 'localhost:5000/team/web', tags: ['1.0.0', 'latest'] });
});

test('a configuration that nginx refuses makes no image', async () => {
  const result = await simulate(app, new Guest().on('nginx -t', { exit: 1, stderr: 'nginx: [emerg] unknown directive' }));
  expect([result.outcome, result.target('web/docker').failedStep, result.artifacts]).toEqual(['failed', 'web/stamp', []]);
  expect(result.error?.message).toContain('unknown directive');
  expect(result.file('web/docker', '/var/www/html/index.html')).toContain('@RELEASE@');
});
