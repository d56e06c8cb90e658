/** `bay kill`: SIGKILL, and the container stays stopped; or another signal, and it does what it will. */
import { containersOf } from '../container.ts';
import { filesPath } from '../files.ts';
import { eachContainer, isUp, stop } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'kill', async (client, ref, { signal }) => {
    if (!isUp(await containersOf(client).get(ref))) {
      throw new Error(`cannot kill container: ${ref.name}: container is not running`);
    }
    if (signal === undefined || ['KILL', 'SIGKILL', '9'].includes(signal.toUpperCase())) {
      return stop(client, ref, 0);
    }
    const query = new URLSearchParams({ signal });
    const path = filesPath({ text: ref.name, namespace: ref.namespace }, 'kill', query);
    await client.request('POST', path);
    return undefined;
  });
