/** Keeps one pod of each DaemonSet on every node that it fits. */
import { filter } from 'rxjs/internal/operators/filter';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { equalJson } from '#api/resources/json.ts';
import { controllerRevisions, daemonSets, nodes, pods } from '#api/resources/resource-types.ts';
import type { ControllerRevision, DaemonSet, Node, Pod } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import { controllerUid, namespaceOf } from '#controller/runtime/lookup.ts';
import { reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, ownerKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { orphanIn } from '#controller/workload/claim.ts';
import { gatherMs, paced } from '#controller/workload/pace.ts';
import { selecting } from '#controller/workload/selecting.ts';
import { Failures } from './failures.ts';
import { Performer } from './perform.ts';
import { plan, type View } from './plan.ts';

const failureKey = ({ metadata }: DaemonSet, node: string): string =>
  `${metadata.uid}/${metadata.generation}/${node}`;

class Daemons {
  readonly sets: Cache<DaemonSet>;
  readonly nodes: Cache<Node>;
  readonly pods: Cache<Pod>;
  readonly revisions: Cache<ControllerRevision>;
  readonly leaving: Leaving<Pod>;
  readonly failures = new Failures();

  constructor(world: World) {
    this.sets = world.cache<DaemonSet>(daemonSets).addIndex('namespace', namespaceOf);
    this.nodes = world.cache<Node>(nodes);
    this.pods = world.cache<Pod>(pods);
    this.pods.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    this.revisions = world.cache<ControllerRevision>(controllerRevisions);
    this.revisions.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    this.leaving = new Leaving(this.pods);
  }

  view(set: DaemonSet, nowMs: number): View {
    const { uid = '', namespace = '' } = set.metadata;
    return {
      set,
      nodes: [...this.nodes.all()],
      pods: this.leaving.shown([
        ...this.pods.byIndex('controller', uid),
        ...this.pods.byIndex('orphans', namespace),
      ]),
      revisions: [
        ...this.revisions.byIndex('controller', uid),
        ...this.revisions.byIndex('orphans', namespace),
      ],
      backoffMs: (node) => this.failures.leftMs(failureKey(set, node), nowMs),
      nowMs,
    };
  }
}

/** Nodes report every few seconds; what DaemonSets look at changes rarely. */
const isMoved = ({ before, after }: Change<Node>): boolean =>
  before === undefined ||
  after === undefined ||
  !equalJson(before.metadata.labels, after.metadata.labels) ||
  !equalJson(before.spec?.taints, after.spec?.taints);

export const daemonSetController: Controller = {
  name: 'daemonset',
  run: (world) => {
    const all = new Daemons(world);
    const { clock } = world;
    const performer = new Performer(world, all.leaving, (set, node) =>
      all.failures.add(failureKey(set, node), clock.now()),
    );
    const keys$ = whenSynced<string>(
      [all.sets, all.nodes, all.pods, all.revisions],
      selfKeys(all.sets.changes),
      all.nodes.changes.pipe(
        filter(isMoved),
        mergeMap(() => [...all.sets.keys()]),
      ),
      paced(ownerKeys('DaemonSet', all.pods.changes), gatherMs(all.sets, all.pods), clock),
      ownerKeys('DaemonSet', all.revisions.changes),
      mappedKeys(all.pods.changes, (pod) => selecting(all.sets, pod)),
    );
    return reconcileKeys(
      keys$,
      async (key, signal) => {
        const set = all.sets.get(key);
        if (set === undefined) return settled();
        return performer.perform(set, plan(all.view(set, clock.now())), signal);
      },
      { concurrency: 8, clock },
    );
  },
};
