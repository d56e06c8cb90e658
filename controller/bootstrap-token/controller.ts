/** Deletes bootstrap tokens whose time is over: Secrets that new nodes and clients show. */
import { secrets } from '#api/resources/resource-types.ts';
import type { Secret } from '#api/resources/types.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { deleteObject } from '#controller/runtime/write.ts';

const tokens = { namespace: 'kube-system', fieldSelector: 'type=bootstrap.kubernetes.io/token' };

/** Milliseconds since the epoch; `undefined` for a token that lives until it is deleted. */
function endOf({ data }: Secret): number | undefined {
  const text = Buffer.from(data?.['expiration'] ?? '', 'base64').toString();
  if (text === '') return undefined;
  const time = Date.parse(text);
  // What nobody can read is no time to live by: such a token is refused anyway.
  return Number.isNaN(time) ? 0 : time;
}

export const bootstrapTokenController: Controller = {
  name: 'bootstrap-token',
  run: (world) => {
    const cache = world.follow<Secret>(secrets, tokens);
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const token = cache.get(key);
      const end = token === undefined ? undefined : endOf(token);
      if (token === undefined || end === undefined) return settled();
      const left = end - world.clock.now();
      if (left > 0) return requeueAfter(left);
      await deleteObject(world.collection<Secret>(secrets), token, signal);
      return settled('delete: its time is over');
    };
    const keys$ = whenSynced([cache], selfKeys(cache.changes));
    return reconcileKeys(keys$, reconcile, { clock: world.clock });
  },
};
