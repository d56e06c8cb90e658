/** `bay restart`: stop, then start. */
import { eachContainer, start, stop } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'restart', async (client, ref, { grace }) => {
    await stop(client, ref, grace);
    await start(client, ref);
  });
