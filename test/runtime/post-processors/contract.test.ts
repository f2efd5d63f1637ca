import { describe, expect, test } from 'vitest';
import { ChecksumPostProcessor, CompressPostProcessor, ManifestPostProcessor, ShellLocalPostProcessor } from '../../../lib/index.js';
import { postProcessorContract } from '../../contracts/post-processor-driver.js';
import { heldTo, kindsOf } from '../../support/kinds.js';

describe('manifest keeps the contract of post-processors:', () => postProcessorContract('manifest', () => ({ postProcessor: () => new ManifestPostProcessor({}) })));
describe('checksum keeps the contract of post-processors:', () => postProcessorContract('checksum', () => ({ postProcessor: () => new ChecksumPostProcessor({ checksumTypes: ['sha256'], output: 'sums' }) })));
describe('shell-local keeps the contract of post-processors:', () => postProcessorContract('shell-local', () => ({ postProcessor: () => new ShellLocalPostProcessor({ inline: ['test -f "$BAKE_ARTIFACT_FILES"'] }) })));
describe('compress keeps the contract of post-processors:', () => postProcessorContract('compress', () => ({ postProcessor: () => new CompressPostProcessor({ output: 'image.tar.gz' }) })));

test('every post-processor is held to the contract, here or where its servers are', () => { expect(heldTo('postProcessorContract')).toEqual(kindsOf('post-processor')); });
