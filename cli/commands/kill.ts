/** `bay kill`: SIGKILL; the container stays stopped. */
import { containersOf } from '../container.ts';
import { eachContainer, isUp, stop } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'kill', async (client, ref) => {
    if (!isUp(await containersOf(client).get(ref))) {
      throw new Error(`cannot kill container: ${ref.name}: container is not running`);
    }
    await stop(client, ref, 0);
  });
