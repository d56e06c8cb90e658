/** The small words of the store's contract suite. */
import type { Test } from 'tap';
import type { Storage, WriteResult } from '#api/storage/storage.ts';

/** A store without keys of others; closed when the test ends. */
export type OpenStorage = (t: Test) => Promise<Storage>;

export const create = { expectedRevision: 0 };

export const text = (value: string): Buffer => Buffer.from(value);

/** Throws if the write did not take place. */
export function revisionOf(result: WriteResult): number {
  if (!result.written) throw new Error('the write lost against another one');
  return result.revision;
}
