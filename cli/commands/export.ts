/** `bay export`: all files of a container as one tar. */

import { refuseTerminal, writeArchive } from '../archive-output.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { documentOf, filesPath } from '../files.ts';

const options = {
  ...clientOptions,
  output: { type: 'string', short: 'o' },
  container: { type: 'string', short: 'c' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [text] = positionals;
  if (text === undefined || positionals.length > 1) {
    throw new UsageError('name one container: bay export [-o FILE] NAME');
  }
  refuseTerminal(values.output);
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const document = await documentOf(client, text, namespace);
    const { container } = values;
    const of = { text: document, namespace, ...(container === undefined ? {} : { container }) };
    const tar = await client.streamRequest('GET', filesPath(of, 'export'));
    await writeArchive(tar, values.output);
    return 0;
  } finally {
    client.close();
  }
}
