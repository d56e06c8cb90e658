/** `bay diff`: what a container has changed of its image's files, as docker prints it. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { filesPath, mustExist } from '../files.ts';
import { imageOptions, imagesPath, nodeNames } from '../images.ts';

const options = {
  ...clientOptions,
  ...imageOptions,
  container: { type: 'string', short: 'c' },
} as const;

interface Change {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [text, other] = positionals;
  if (text === undefined || positionals.length > 2) {
    throw new UsageError('name one container, or two images: bay diff NAME | bay diff IMAGE IMAGE');
  }
  const client = await openClient(values);
  try {
    let path: string;
    if (other === undefined) {
      const namespace = values.namespace ?? 'default';
      await mustExist(client, text, namespace);
      const { container } = values;
      path = filesPath(
        { text, namespace, ...(container === undefined ? {} : { container }) },
        'changes',
      );
    } else {
      const [node = ''] = await nodeNames(client, values.node);
      path = imagesPath(node, `/changes?${new URLSearchParams({ from: text, to: other })}`);
    }
    const changes = (await client.request('GET', path)) as readonly Change[];
    process.stdout.write(changes.map(({ Kind, Path }) => `${'CAD'[Kind]} ${Path}\n`).join(''));
    return 0;
  } finally {
    client.close();
  }
}
