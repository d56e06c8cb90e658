/** `bay cordon`. */
import { changeCordon } from '../nodes/cordon.ts';

export const run = (args: readonly string[]): Promise<number> => changeCordon(args, true);
