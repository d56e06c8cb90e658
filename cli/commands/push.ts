/** `bay push`: sends an image of a node to the registry its name says. */
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import {
  fullName,
  imagesPath,
  loginHeaders,
  nodeNames,
  nodesWith,
  shortName,
  transfer,
  transferOptions,
} from '../images.ts';
import { Progress } from '../progress.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, transferOptions);
  const [reference] = positionals;
  if (reference === undefined || positionals.length > 1) {
    throw new UsageError('name one image: bay push [REGISTRY/]NAME[:TAG]');
  }
  const headers = await loginHeaders(values.creds, reference);
  const client = await openClient(values);
  try {
    const names = await nodeNames(client, values.node);
    const name = fullName(reference);
    const [node] = await nodesWith(client, names, name);
    if (node === undefined) {
      throw new Error(
        `push ${name}: no node has an image of that name; see 'bay images', 'bay tag'`,
      );
    }
    const { repository, tag } = shortName(name);
    const say = (text: string) => values.quiet !== true && process.stdout.write(`${text}\n`);
    say(`The push refers to repository [${repository}]`);
    const progress = new Progress(process.stdout, 'push');
    const path = `/push?${new URLSearchParams({ reference })}`;
    const { digest } = await transfer(client, imagesPath(node, path), headers, (line) => {
      if (values.quiet !== true) progress.show(line);
    });
    process.stdout.write(values.quiet === true ? `${name}\n` : `${tag}: digest: ${digest}\n`);
    return 0;
  } finally {
    client.close();
  }
}
