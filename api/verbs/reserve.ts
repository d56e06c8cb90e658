/** A write between having what it needs and giving back what it does not keep. */
import type { KubeObject } from '#api/resources/meta.ts';
import type { Reserving } from '../allocation/reservation.ts';
import { Unavailable } from '../storage/storage.ts';
import type { ApiContext } from './request.ts';

/**
 * Runs `write` with the object as it is once it has what it needs. `undefined` from it means that nothing was written.
 * Rejects with 403 or 422 if what is needed cannot be had.
 */
export async function withReserved<T>(
  { reservations }: ApiContext,
  asked: Reserving,
  write: (object: KubeObject) => Promise<T | undefined>,
): Promise<T | undefined> {
  const reserving = reservations?.reserve(asked);
  if (reserving === undefined) return write(asked.object);
  const reserved = await reserving;
  let result: T | undefined;
  try {
    result = await write(reserved.object);
  } catch (error) {
    // Of a write whose outcome nobody knows the object may stand: then it needs what it has.
    if (!asked.dryRun && !(error instanceof Unavailable)) await reserved.undo();
    throw error;
  }
  if (!asked.dryRun) await (result === undefined ? reserved.undo() : reserved.done());
  return result;
}
