/** Keeps each StatefulSet's numbered pods and their claims. */
import { keyOf } from '#api/resources/meta.ts';
import {
  controllerRevisions,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '#api/resources/resource-types.ts';
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import { controllerUid, namespaceOf } from '#controller/runtime/lookup.ts';
import { reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, ownerKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { orphanIn } from '#controller/workload/claim.ts';
import { selecting } from '#controller/workload/selecting.ts';
import { mayClaim } from './identity.ts';
import { Performer } from './perform.ts';
import { plan, type View } from './plan.ts';

class Sets {
  readonly sets: Cache<StatefulSet>;
  readonly pods: Cache<Pod>;
  readonly revisions: Cache<ControllerRevision>;
  readonly claims: Cache<PersistentVolumeClaim>;
  readonly leaving: Leaving<Pod>;

  constructor(world: World) {
    this.sets = world.cache<StatefulSet>(statefulSets).addIndex('namespace', namespaceOf);
    this.pods = world.cache<Pod>(pods);
    this.pods.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    this.revisions = world.cache<ControllerRevision>(controllerRevisions);
    this.revisions.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    this.claims = world.cache<PersistentVolumeClaim>(persistentVolumeClaims);
    this.leaving = new Leaving(this.pods);
  }

  /** The sets that wait for the claim, or keep it. */
  *claiming(claim: PersistentVolumeClaim): Iterable<string> {
    for (const set of this.sets.byIndex('namespace', claim.metadata.namespace ?? '')) {
      if (mayClaim(set, claim)) yield keyOf(set);
    }
  }

  view(set: StatefulSet, nowMs: number): View {
    const { uid = '', namespace = '' } = set.metadata;
    return {
      set,
      pods: this.leaving.shown([
        ...this.pods.byIndex('controller', uid),
        ...this.pods.byIndex('orphans', namespace),
      ]),
      revisions: [
        ...this.revisions.byIndex('controller', uid),
        ...this.revisions.byIndex('orphans', namespace),
      ],
      findClaim: (name) => this.claims.get(`${namespace}/${name}`),
      nowMs,
    };
  }
}

export const statefulSetController: Controller = {
  name: 'statefulset',
  run: (world) => {
    const all = new Sets(world);
    const performer = new Performer(world, all.leaving);
    const keys$ = whenSynced<string>(
      [all.sets, all.pods, all.revisions, all.claims],
      selfKeys(all.sets.changes),
      ownerKeys('StatefulSet', all.pods.changes),
      ownerKeys('StatefulSet', all.revisions.changes),
      mappedKeys(all.pods.changes, (pod) => selecting(all.sets, pod)),
      mappedKeys(all.claims.changes, (claim) => all.claiming(claim)),
    );
    const { clock } = world;
    return reconcileKeys(
      keys$,
      async (key, signal) => {
        const set = all.sets.get(key);
        if (set === undefined) return settled();
        return performer.perform(set, plan(all.view(set, clock.now())), signal);
      },
      { concurrency: 16, clock },
    );
  },
};
