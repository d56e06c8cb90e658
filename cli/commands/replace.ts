/** `bay replace -f`. */
import { createDocuments } from '../documents/create.ts';

export const run = (args: readonly string[]): Promise<number> => createDocuments('replace', args);
