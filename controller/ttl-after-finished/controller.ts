/** Deletes Jobs some time after they have ended (`ttlSecondsAfterFinished`). After pkg/controller/ttlafterfinished. */
import { jobs } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Job } from '#api/resources/types.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { refOf } from '#controller/runtime/write.ts';

/** When the Job is to be deleted; undefined: it is kept, or runs still. */
export function expiryMs({ metadata, spec, status }: Job): number | undefined {
  const { ttlSecondsAfterFinished: seconds } = spec ?? {};
  if (seconds === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  const ended = (status?.conditions ?? []).find(
    (one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True',
  );
  if (ended?.lastTransitionTime === undefined) return undefined;
  return Date.parse(ended.lastTransitionTime) + seconds * 1_000;
}

export const ttlAfterFinishedController: Controller = {
  name: 'ttl-after-finished',
  run: (world) => {
    const cache = world.cache<Job>(jobs);
    const collection = world.collection<Job>(jobs);
    const { clock } = world;
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const job = cache.get(key);
      const expiry = job === undefined ? undefined : expiryMs(job);
      if (job === undefined || expiry === undefined) return settled();
      if (expiry > clock.now()) return requeueAfter(expiry - clock.now());
      const { uid, resourceVersion } = job.metadata;
      if (uid === undefined || resourceVersion === undefined) return settled();
      // As we have seen it: somebody may have given it more time.
      const preconditions = { uid, resourceVersion };
      try {
        const options = { propagationPolicy: 'Foreground', preconditions } as const;
        await collection.delete(refOf(job), options, signal);
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
      return settled(`delete ${job.metadata.name}`);
    };
    return reconcileKeys(whenSynced([cache], selfKeys(cache.changes)), reconcile, { clock });
  },
};
