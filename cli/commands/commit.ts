/** `bay commit`: makes an image of a container as it is now. */
import { text as textOf } from 'node:stream/consumers';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { documentOf, filesPath } from '../files.ts';

const options = {
  ...clientOptions,
  author: { type: 'string', short: 'a' },
  message: { type: 'string', short: 'm' },
  change: { type: 'string', short: 'c', multiple: true },
  'keep-times': { type: 'boolean' },
  pause: { type: 'string', short: 'p' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(withValue(args), options);
  const [text, reference] = positionals;
  if (text === undefined || positionals.length > 2) {
    throw new UsageError('name one container: bay commit [OPTIONS] NAME [REPOSITORY[:TAG]]');
  }
  const query = new URLSearchParams();
  if (reference !== undefined) query.set('reference', reference);
  if (values.author !== undefined) query.set('author', values.author);
  if (values.message !== undefined) query.set('comment', values.message);
  for (const change of values.change ?? []) query.append('changes', change);
  if (values.pause === 'false') query.set('pause', 'false');
  if (values['keep-times'] === true) query.set('keepTimes', 'true');
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const document = await documentOf(client, text, namespace);
    const answer = await client.streamRequest(
      'POST',
      filesPath({ text: document, namespace }, 'commit', query),
    );
    process.stdout.write(`${(JSON.parse(await textOf(answer)) as { Id: string }).Id}\n`);
    return 0;
  } finally {
    client.close();
  }
}

/** docker's flag is true unless it says `=false`. */
const withValue = (args: readonly string[]): string[] =>
  args.map((arg) =>
    /^(-p|--pause)$/.test(arg) ? '--pause=true' : arg.replace(/^-p=/, '--pause='),
  );
