/** Rolls each Deployment's template out through ReplicaSets. */
import { filter } from 'rxjs/internal/operators/filter';
import { controllerOf } from '#api/resources/meta.ts';
import { deployments, pods, replicaSets } from '#api/resources/resource-types.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { Deployment, Pod, ReplicaSet } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { controllerUid, namespaceOf } from '#controller/runtime/lookup.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, ownerKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { orphanIn } from '#controller/workload/claim.ts';
import { selecting } from '#controller/workload/selecting.ts';
import { Performer } from './perform.ts';
import { plan } from './plan.ts';

const uidOf = ({ metadata }: ReplicaSet): readonly string[] => [metadata.uid ?? ''];

class Deployments {
  readonly #performer: Performer;
  readonly deployments: Cache<Deployment>;
  readonly sets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;

  constructor(world: World) {
    this.#performer = new Performer(world);
    this.deployments = world.cache<Deployment>(deployments).addIndex('namespace', namespaceOf);
    this.sets = world.cache<ReplicaSet>(replicaSets);
    this.sets.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    this.sets.addIndex('uid', uidOf);
    this.pods = world.cache<Pod>(pods).addIndex('controller', controllerUid);
  }

  async reconcile(key: string, nowMs: number, signal: AbortSignal): Promise<Outcome> {
    const deployment = this.deployments.get(key);
    if (deployment === undefined) return settled();
    await this.#claim(deployment, signal);
    const own = this.sets.byIndex('controller', deployment.metadata.uid ?? '');
    const podsOf = (set: ReplicaSet) => this.pods.byIndex('controller', set.metadata.uid ?? '');
    const wanted = plan({ deployment, replicaSets: own, podsOf, nowMs });
    return this.#performer.perform(deployment, wanted, signal);
  }

  async #claim(deployment: Deployment, signal: AbortSignal): Promise<void> {
    if (deployment.metadata.deletionTimestamp !== undefined) return;
    const selector = labelSelectorOf(deployment.spec?.selector);
    const selected = (set: ReplicaSet) => matchesLabels(selector, set.metadata.labels);
    for (const set of this.sets.byIndex('orphans', deployment.metadata.namespace ?? '')) {
      const present = set.metadata.deletionTimestamp === undefined;
      if (present && selected(set)) await this.#performer.claim(set, deployment, 'adopt', signal);
    }
    for (const set of this.sets.byIndex('controller', deployment.metadata.uid ?? '')) {
      if (!selected(set)) await this.#performer.claim(set, deployment, 'release', signal);
    }
  }

  /** The Deployment that waits for a pod to go before it makes new ones. */
  *recreating(pod: Pod): Iterable<string> {
    const [set] = this.sets.byIndex('uid', controllerOf(pod)?.uid ?? '');
    const owner = set === undefined ? undefined : controllerOf(set);
    if (owner?.kind !== 'Deployment') return;
    const key = `${set?.metadata.namespace}/${owner.name}`;
    if (this.deployments.get(key)?.spec?.strategy?.type === 'Recreate') yield key;
  }
}

const hasGone = ({ before, after }: Change<Pod>): boolean =>
  before !== undefined && (after === undefined || after.status?.phase !== before.status?.phase);

export const deploymentController: Controller = {
  name: 'deployment',
  run: (world) => {
    const all = new Deployments(world);
    const keys$ = whenSynced(
      [all.deployments, all.sets, all.pods],
      selfKeys(all.deployments.changes),
      ownerKeys('Deployment', all.sets.changes),
      mappedKeys(all.sets.changes, (set) => selecting(all.deployments, set)),
      mappedKeys(all.pods.changes.pipe(filter(hasGone)), (pod) => all.recreating(pod)),
    );
    const { clock } = world;
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, clock.now(), signal), {
      concurrency: 16,
      clock,
    });
  },
};
