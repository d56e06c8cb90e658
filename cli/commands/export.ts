/** `bay export`: all files of a container as one tar. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { filesPath, mustExist } from '../files.ts';

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
  if (values.output === undefined && process.stdout.isTTY) {
    throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
  }
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    await mustExist(client, text, namespace);
    const { container } = values;
    const of = { text, namespace, ...(container === undefined ? {} : { container }) };
    const tar = await client.streamRequest('GET', filesPath(of, 'export'));
    await pipeline(
      tar,
      values.output === undefined ? process.stdout : createWriteStream(values.output),
    );
    return 0;
  } finally {
    client.close();
  }
}
