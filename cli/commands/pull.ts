/** `bay pull`: brings an image from its registry to the nodes. */
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import {
  fullName,
  imagesPath,
  loginHeaders,
  nodeNames,
  transfer,
  transferOptions,
} from '../images.ts';
import { Progress } from '../progress.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, transferOptions);
  const [reference] = positionals;
  if (reference === undefined || positionals.length > 1) {
    throw new UsageError('name one image: bay pull [REGISTRY/]NAME[:TAG][@DIGEST]');
  }
  const headers = await loginHeaders(values.creds, reference);
  const client = await openClient(values);
  const say = (text: string) => values.quiet !== true && process.stdout.write(`${text}\n`);
  try {
    const names = await nodeNames(client, values.node);
    const path = `/pull?${new URLSearchParams({ reference })}`;
    if (!/:[^/]*$|@/.test(reference)) say('Using default tag: latest');
    for (const node of names) {
      if (names.length > 1) say(`Node: ${node}`);
      const progress = new Progress(process.stdout, 'pull');
      const last = await transfer(client, imagesPath(node, path), headers, (line) => {
        if (values.quiet !== true) progress.show(line);
      });
      say(`Digest: ${last.image?.repoDigests?.at(-1)?.replace(/^.*@/, '') ?? last.image?.digest}`);
    }
    process.stdout.write(`${fullName(reference)}\n`);
    return 0;
  } finally {
    client.close();
  }
}
