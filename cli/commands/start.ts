/** `bay start`: runs stopped and ended containers. */
import { eachContainer, start } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'start', (client, ref) => start(client, ref));
