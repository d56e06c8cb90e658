/** `bay label`. */
import { changeMetadata } from '../documents/metadata-change.ts';

export const run = (args: readonly string[]): Promise<number> => changeMetadata('label', args);
