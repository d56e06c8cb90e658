/** `bay stop`: the stop signal, then SIGKILL after the container's stop timeout or `--time`. */
import { eachContainer, stop } from '../lifecycle.ts';

export const run = (args: readonly string[]): Promise<number> =>
  eachContainer(args, 'stop', (client, ref, { grace }) => stop(client, ref, grace));
