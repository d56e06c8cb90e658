/** Keeps in each PodDisruptionBudget's status how many of its pods may be taken away; the eviction API reads it. */
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { controllerOf, keyOf } from '#api/resources/meta.ts';
import { podDisruptionBudgets, pods } from '#api/resources/resource-types.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { Pod, PodDisruptionBudget } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { namespaceOf } from '#controller/runtime/lookup.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { writeStatus } from '#controller/runtime/write.ts';
import { isLeaving, isReady } from '#controller/workload/pod-state.ts';
import { needsScale, plan } from './plan.ts';
import { Scales } from './scales.ts';

const selects = ({ spec }: PodDisruptionBudget, pod: Pod): boolean =>
  matchesLabels(labelSelectorOf(spec?.selector), pod.metadata.labels);

/** What of a pod a budget counts. */
const facts = (pod: Pod | undefined): string =>
  pod === undefined
    ? ''
    : JSON.stringify([isReady(pod), isLeaving(pod), pod.metadata.labels, controllerOf(pod)?.uid]);

class Disruption {
  readonly #world: World;
  readonly budgets: Cache<PodDisruptionBudget>;
  readonly pods: Cache<Pod>;
  readonly scales: Scales;

  constructor(world: World) {
    this.#world = world;
    this.budgets = world.cache<PodDisruptionBudget>(podDisruptionBudgets);
    this.budgets.addIndex('namespace', namespaceOf);
    this.pods = world.cache<Pod>(pods).addIndex('namespace', namespaceOf);
    this.scales = new Scales(world);
  }

  /** The keys of the budgets that select the pod, before or after the change. */
  podChanged({ before, after }: Change<Pod>): string[] {
    const namespace = (after ?? before)?.metadata.namespace ?? '';
    const near = this.budgets.byIndex('namespace', namespace);
    if (near.length === 0 || facts(before) === facts(after)) return [];
    return near
      .filter((budget) => [before, after].some((pod) => pod !== undefined && selects(budget, pod)))
      .map(keyOf);
  }

  /** A changed number of replicas concerns the budgets of its namespace that count them. */
  scaleChanged({ before, after }: Change<{ spec?: { replicas?: number } }>, key: string): string[] {
    if (before?.spec?.replicas === after?.spec?.replicas) return [];
    const namespace = key.slice(0, key.indexOf('/'));
    return this.budgets.byIndex('namespace', namespace).filter(needsScale).map(keyOf);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const budget = this.budgets.get(key);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return settled();
    const { namespace = '' } = budget.metadata;
    const selected = this.pods
      .byIndex('namespace', namespace)
      .filter((pod) => selects(budget, pod));
    const { clock, events } = this.#world;
    const scale = needsScale(budget) ? await this.scales.of(selected, signal) : 0;
    const wanted = plan({ budget, pods: selected, scale, nowMs: clock.now() });
    for (const pod of wanted.stayed) {
      const message = `Pod was expected by PDB ${key} to be deleted but it wasn't`;
      events.record(pod, { type: 'Warning', reason: 'NotDeleted', message });
    }
    this.#warn(budget, selected, scale);
    const collection = this.#world.collection<PodDisruptionBudget>(podDisruptionBudgets);
    const wrote = await writeStatus(collection, this.budgets, budget, wanted.status, signal);
    const actions = wrote ? [`allow ${wanted.status.disruptionsAllowed}`] : [];
    return wanted.againMs === undefined
      ? settled(...actions)
      : requeueAfter(wanted.againMs, ...actions);
  }

  #warn(
    budget: PodDisruptionBudget,
    selected: readonly Pod[],
    scale: number | { readonly problem: string },
  ): void {
    const tell = (reason: string, message: string) => {
      const known = budget.status?.observedGeneration === budget.metadata.generation;
      if (!known) this.#world.events.record(budget, { type: 'Warning', reason, message });
    };
    if (selected.length === 0) tell('NoPods', 'No matching pods found');
    if (typeof scale !== 'number') tell('CalculateExpectedPodCountFailed', scale.problem);
    const unmanaged = selected.filter((pod) => controllerOf(pod) === undefined);
    if (unmanaged.length > 0 && needsScale(budget)) {
      const names = unmanaged.map(({ metadata }) => metadata.name).join(' ');
      tell(
        'UnmanagedPods',
        `Pods selected by this PodDisruptionBudget were found to be unmanaged: ${names}`,
      );
    }
  }
}

export const disruptionController: Controller = {
  name: 'disruption',
  run: (world) => {
    const all = new Disruption(world);
    const scaleKeys = all.scales.caches.map((cache) =>
      cache.changes.pipe(mergeMap((change) => all.scaleChanged(change, change.key))),
    );
    const keys$ = whenSynced(
      [all.budgets, all.pods, ...all.scales.caches],
      selfKeys(all.budgets.changes),
      all.pods.changes.pipe(mergeMap((change) => all.podChanged(change))),
      ...scaleKeys,
    );
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), {
      clock: world.clock,
    });
  },
};
