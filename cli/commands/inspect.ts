/** `bay inspect`: the documents of containers, one JSON document each. */
import { containersOf } from '../container.ts';
import { eachContainer } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'inspect', async (client, ref) =>
    JSON.stringify(await containersOf(client).get(ref), null, 2),
  );
