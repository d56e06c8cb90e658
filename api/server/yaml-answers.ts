/** Answers as YAML. Loaded with the first client that asks for it. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { stringify } from 'yaml';

/** What older readers take for a boolean or a number is quoted; nothing is folded or shared. */
const options = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

/** The document of a JSON body; of a list item by item, with pauses for others. */
export async function yamlBody(json: Buffer): Promise<Buffer> {
  const { items, ...rest } = JSON.parse(json.toString()) as Record<string, unknown>;
  const head = stringify(rest, options);
  if (!Array.isArray(items) || items.length === 0) {
    return Buffer.from(items === undefined ? head : `${head}items: []\n`);
  }
  const parts = [head, 'items:\n'];
  for (const item of items) {
    parts.push(stringify([item], options));
    await yieldToOthers();
  }
  return Buffer.from(parts.join(''));
}
