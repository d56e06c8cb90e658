/** `bay annotate`. */
import { changeMetadata } from '../documents/metadata-change.ts';

export const run = (args: readonly string[]): Promise<number> => changeMetadata('annotate', args);
