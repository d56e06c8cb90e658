/** `bay save`: images as one tar, an OCI layout and a docker-archive at once. */

import { refuseTerminal, writeArchive } from '../archive-output.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { imageOptions, imagesOf, imagesPath, nodeNames } from '../images.ts';
import { holds } from '../local-image.ts';

const options = { ...imageOptions, output: { type: 'string', short: 'o' } } as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0) throw new UsageError('name the images: bay save [-o FILE] IMAGE…');
  refuseTerminal(values.output);
  const client = await openClient(values);
  try {
    const nodes = await nodeNames(client, values.node);
    let node = nodes[0] ?? '';
    for (const each of nodes) {
      const images = await imagesOf(client, each);
      if (!positionals.every((name) => images.some((image) => holds(image, name)))) continue;
      node = each;
      break;
    }
    const query = new URLSearchParams(positionals.map((name): [string, string] => ['names', name]));
    const tar = await client.streamRequest('GET', imagesPath(node, `/save?${query}`));
    await writeArchive(tar, values.output);
    return 0;
  } finally {
    client.close();
  }
}
