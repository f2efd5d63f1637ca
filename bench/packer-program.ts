/** The Packer that benchmarks are measured against: PACKER_BIN, or the one on the PATH. */
export const packerProgram = process.env['PACKER_BIN'] ?? 'packer';
