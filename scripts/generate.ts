/** `npm run generate`: every file that is made from another one of ours. Tests hold each of them current. */
import { generateApi } from './generate-api.js';
import { generatePacker } from './generate-packer.js';
import { generateSchema } from './generate-schema.js';

generatePacker();
generateSchema();
await generateApi();
