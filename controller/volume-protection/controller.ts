/**
 * Claims and volumes stay while they are in use: admission gives them a finalizer, which goes when the last pod is gone
 * that mounts the claim, respectively when the volume is not bound any more.
 */
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '#api/resources/resource-types.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { addFinalizer, removeFinalizer } from '#controller/runtime/finalizer.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import {
  claimFinalizer,
  claimsOf,
  finalizerOf,
  isClaimUsed,
  isVolumeUsed,
  volumeFinalizer,
  type Wanted,
} from './plan.ts';

interface Held<T extends ApiObject> {
  readonly type: ResourceType;
  readonly finalizer: string;
  readonly cache: Cache<T>;
}

async function perform<T extends ApiObject>(
  world: World,
  { type, finalizer, cache }: Held<T>,
  object: T,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Outcome> {
  if (wanted === undefined) return settled();
  const collection = world.collection<T>(type);
  if (wanted === 'add') cache.put(await addFinalizer(collection, object, finalizer, signal));
  else await removeFinalizer(collection, object, finalizer, signal);
  return settled(`${wanted} ${finalizer}`);
}

export const claimProtectionController: Controller = {
  name: 'claim-protection',
  run: (world) => {
    const claims = world.cache<PersistentVolumeClaim>(persistentVolumeClaims);
    const allPods = world.cache<Pod>(pods);
    const keys$ = whenSynced(
      [claims, allPods],
      selfKeys(claims.changes),
      mappedKeys(allPods.changes, claimsOf),
    );
    const held = { type: persistentVolumeClaims, finalizer: claimFinalizer, cache: claims };
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const claim = claims.get(key);
      if (claim === undefined) return settled();
      const wanted = finalizerOf(claim, claimFinalizer, () => isClaimUsed(key, allPods.all()));
      return perform(world, held, claim, wanted, signal);
    };
    return reconcileKeys(keys$, reconcile, { clock: world.clock });
  },
};

export const volumeProtectionController: Controller = {
  name: 'volume-protection',
  run: (world) => {
    const volumes = world.cache<PersistentVolume>(persistentVolumes);
    const held = { type: persistentVolumes, finalizer: volumeFinalizer, cache: volumes };
    const reconcile = async (name: string, signal: AbortSignal): Promise<Outcome> => {
      const volume = volumes.get(name);
      if (volume === undefined) return settled();
      const wanted = finalizerOf(volume, volumeFinalizer, () => isVolumeUsed(volume));
      return perform(world, held, volume, wanted, signal);
    };
    const keys$ = whenSynced([volumes], selfKeys(volumes.changes));
    return reconcileKeys(keys$, reconcile, { clock: world.clock });
  },
};
