import { describe } from 'vitest';
import { FileSource, NullSource } from '../../../lib/index.js';
import { sourceContract } from '../../contracts/source-driver.js';

describe('the null source keeps the contract of sources:', () => sourceContract(() => ({ source: () => new NullSource({ communicator: 'local' }), lasting: false })));
describe('the file source keeps the contract of sources:', () => sourceContract(() => ({ source: () => new FileSource({ content: 'x', target: 'out/file' }) })));
