/** `bay import`: a tar of a root file system becomes an image of one layer. */
import { createReadStream, existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { imageOptions, imagesPath, nodeNames } from '../images.ts';

const options = {
  ...imageOptions,
  message: { type: 'string', short: 'm' },
  change: { type: 'string', short: 'c', multiple: true },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [file, reference] = positionals;
  if (file === undefined || positionals.length > 2) {
    throw new UsageError('name one archive: bay import [OPTIONS] FILE|- [REPOSITORY[:TAG]]');
  }
  if (file !== '-' && !existsSync(file)) throw new Error(`open ${file}: no such file or directory`);
  const query = new URLSearchParams();
  if (reference !== undefined) query.set('reference', reference);
  if (values.message !== undefined) query.set('comment', values.message);
  for (const change of values.change ?? []) query.append('changes', change);
  const client = await openClient(values);
  try {
    const names = await nodeNames(client, values.node);
    if (file === '-' && names.length > 1) {
      throw new UsageError('standard input can be imported to one node only: name it with --node');
    }
    let id = '';
    for (const node of names) {
      const body = file === '-' ? process.stdin : createReadStream(file);
      const headers = { 'content-type': 'application/x-tar' };
      const path = imagesPath(node, `/import?${query}`);
      const answer = await client.streamRequest('POST', path, body, { headers });
      ({ id } = JSON.parse(await text(answer)) as { id: string });
    }
    process.stdout.write(`${id}\n`);
    return 0;
  } finally {
    client.close();
  }
}
