/** `bay wait`: blocks until containers have ended and prints their exit codes. */
import { eachContainer, untilEnded } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'wait', async (client, ref) => {
    const { status } = await untilEnded(client, ref);
    return String(status?.exitCode ?? 0);
  });
