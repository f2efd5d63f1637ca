import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { fileData } from '../../constructs/data/file.js';
import type { DataDriver } from '../driver.js';
import { jsonOrNull } from '../formats/json-or-null.js';

export default {
  async read(props) {
    const content = await readFile(props.path), text = content.toString('utf8');
    return { text, base64: content.toString('base64'), json: jsonOrNull(text), sha256: createHash('sha256').update(content).digest('hex') };
  },
} satisfies DataDriver<typeof fileData>;
