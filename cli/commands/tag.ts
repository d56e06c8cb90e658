/** `bay tag`: gives an image another name, on each node that has it. */
import { hasReason } from '#api/resources/status.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { imageOptions, imagesPath, nodeNames } from '../images.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, imageOptions);
  const [source, target] = positionals;
  if (source === undefined || target === undefined || positionals.length > 2) {
    throw new UsageError('name the image and its new name: bay tag SOURCE TARGET');
  }
  const client = await openClient(values);
  try {
    const names = await nodeNames(client, values.node);
    const path = `/tag?${new URLSearchParams({ source, target })}`;
    let missing: unknown;
    let tagged = 0;
    for (const node of names) {
      try {
        await client.request('POST', imagesPath(node, path));
        tagged += 1;
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
        missing = error;
      }
    }
    if (tagged === 0 && missing !== undefined) throw missing;
    return 0;
  } finally {
    client.close();
  }
}
