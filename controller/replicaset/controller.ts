/** Keeps as many pods as each ReplicaSet, or ReplicationController, says. */
import type { ApiObject } from '#api/client/collection.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import { controllerUid, namespaceOf } from '#controller/runtime/lookup.ts';
import { reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, ownerKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { orphanIn } from '#controller/workload/claim.ts';
import { gatherMs, paced } from '#controller/workload/pace.ts';
import { selecting, selectorOf } from '#controller/workload/selecting.ts';
import { Performer } from './perform.ts';
import { plan } from './plan.ts';
import { type Replicated, replicaSetKind, replicationControllerKind } from './replicated.ts';

const controllerOfKind = (kind: Replicated): Controller => ({
  name: kind.type.kind.toLowerCase(),
  run: (world) => {
    const sets = world.cache<ApiObject>(kind.type).addIndex('namespace', namespaceOf);
    const podCache = world.cache<Pod>(pods);
    podCache.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    const leaving = new Leaving(podCache);
    const performer = new Performer(world, kind, leaving);
    const selectorFor = (object: ApiObject) => selectorOf(kind.asReplicaSet(object));
    const keys$ = whenSynced(
      [sets, podCache],
      selfKeys(sets.changes),
      paced(ownerKeys(kind.type.kind, podCache.changes), gatherMs(sets, podCache), world.clock),
      mappedKeys(podCache.changes, (pod) => selecting(sets, pod, selectorFor)),
    );
    return reconcileKeys(
      keys$,
      async (key, signal) => {
        const object = sets.get(key);
        if (object === undefined) return settled();
        const { uid = '', namespace = '' } = object.metadata;
        const near = leaving.shown([
          ...podCache.byIndex('controller', uid),
          ...podCache.byIndex('orphans', namespace),
        ]);
        return performer.perform(object, plan(kind.asReplicaSet(object), near), signal);
      },
      { concurrency: 16, clock: world.clock },
    );
  },
});

export const replicaSetController: Controller = controllerOfKind(replicaSetKind);
export const replicationControllerController: Controller =
  controllerOfKind(replicationControllerKind);
