import { describe } from 'vitest';
import { ChecksumPostProcessor, CompressPostProcessor, ManifestPostProcessor, ShellLocalPostProcessor } from '../../../lib/index.js';
import { postProcessorContract } from '../../contracts/post-processor-driver.js';

describe('manifest keeps the contract of post-processors:', () => postProcessorContract(() => ({ postProcessor: () => new ManifestPostProcessor({}) })));
describe('checksum keeps the contract of post-processors:', () => postProcessorContract(() => ({ postProcessor: () => new ChecksumPostProcessor({ checksumTypes: ['sha256'], output: 'sums' }) })));
describe('shell-local keeps the contract of post-processors:', () => postProcessorContract(() => ({ postProcessor: () => new ShellLocalPostProcessor({ inline: ['test -f "$BAKE_ARTIFACT_FILES"'] }) })));
describe('compress keeps the contract of post-processors:', () => postProcessorContract(() => ({ postProcessor: () => new CompressPostProcessor({ output: 'image.tar.gz' }) })));
