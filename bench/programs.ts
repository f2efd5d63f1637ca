/** Programs that several benchmarks measure. */

/** Statements that make a program's builds: two sources and three steps each. `builds` is their number, or an expression for it; needs `app` and `version`. */
export const manyBuilds = (builds: number | string): string => `for (let i = 0; i < ${builds}; i++) {
  new ImageBuild(app, 'web-' + i, {
    sources: [new QemuSource({ diskImage: 'base.qcow2', ssh: { username: 'root' }, vmName: text\`web-\${version}-\${timestamp()}.qcow2\` }), new NullSource({ communicator: 'none' })],
    provisioners: [
      new FileProvisioner({ source: 'site.conf', destination: '/etc/site.conf', only: ['qemu'] }),
      new ShellProvisioner({ script: 'install.sh', environment: { VERSION: version }, only: ['qemu'] }),
      new ShellProvisioner({ inline: ['echo ' + i], only: ['qemu'] }),
    ],
    postProcessors: [new ManifestPostProcessor({})],
  });
}
`;
/** What `manyBuilds` uses. */
export const manyBuildsImport = `import { App, FileProvisioner, ImageBuild, ManifestPostProcessor, NullSource, QemuSource, ShellProvisioner, Variable, text, timestamp } from 'imagebake';`;
/** The files that such a program names, by name. */
export const namedFiles = [['base.qcow2', 'x'], ['site.conf', 'a=b\n'], ['install.sh', 'true\n']] as const;
