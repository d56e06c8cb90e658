/** Keeps as many pods as each ReplicaSet says. */
import { controllerOf, keyOf } from '#api/resources/meta.ts';
import { pods, replicaSets } from '#api/resources/resource-types.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import { controllerUid, namespaceOf } from '#controller/runtime/lookup.ts';
import { reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, ownerKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { Performer } from './perform.ts';
import { plan } from './plan.ts';

/** Pods that nobody controls: candidates for adoption. */
const orphanIn = (pod: Pod): readonly string[] =>
  controllerOf(pod) === undefined ? namespaceOf(pod) : [];

/** The keys of the ReplicaSets that select a pod nobody controls. */
function selecting(sets: Cache<ReplicaSet>, pod: Pod): string[] {
  if (controllerOf(pod) !== undefined) return [];
  const near = sets.byIndex('namespace', pod.metadata.namespace ?? '');
  return near
    .filter(({ spec }) => matchesLabels(labelSelectorOf(spec?.selector), pod.metadata.labels))
    .map(keyOf);
}

export const replicaSetController: Controller = {
  name: 'replicaset',
  run: (world) => {
    const sets = world.cache<ReplicaSet>(replicaSets).addIndex('namespace', namespaceOf);
    const podCache = world.cache<Pod>(pods);
    podCache.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    const leaving = new Leaving(podCache);
    const performer = new Performer(world, leaving);
    const keys$ = whenSynced(
      [sets, podCache],
      selfKeys(sets.changes),
      ownerKeys('ReplicaSet', podCache.changes),
      mappedKeys(podCache.changes, (pod) => selecting(sets, pod)),
    );
    return reconcileKeys(
      keys$,
      async (key, signal) => {
        const set = sets.get(key);
        if (set === undefined) return settled();
        const { uid = '', namespace = '' } = set.metadata;
        const near = leaving.shown([
          ...podCache.byIndex('controller', uid),
          ...podCache.byIndex('orphans', namespace),
        ]);
        return performer.perform(set, plan(set, near), signal);
      },
      { concurrency: 16, clock: world.clock },
    );
  },
};
