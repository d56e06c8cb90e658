/** Does what the plan says; the only writer of a Job's pods and status. */
import type { Collection } from '#api/client/collection.ts';
import { jobs, pods } from '#api/resources/resource-types.ts';
import type { Job, Pod } from '#api/resources/types.ts';
import { removeFinalizer } from '#controller/runtime/finalizer.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import { inTerminatingNamespace, writeStatus } from '#controller/runtime/write.ts';
import { OwnPods } from '#controller/workload/own-pods.ts';
import { isLeaving } from '#controller/workload/pod-state.ts';
import type { Plan } from './plan.ts';
import { isTracked, trackingFinalizer } from './tracking.ts';

export class Performer {
  readonly #world: World;
  readonly #pods: Collection<Pod>;
  readonly #own: OwnPods;

  constructor(world: World, leaving: Leaving<Pod>) {
    this.#world = world;
    this.#pods = world.collection<Pod>(pods);
    this.#own = new OwnPods(world, leaving);
  }

  async perform(job: Job, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    await this.#own.claim(job, plan, signal, trackingFinalizer);
    const actions: string[] = [];
    if (plan.status !== undefined && (await this.#status(job, plan.status, signal))) {
      actions.push('status');
      for (const happening of plan.tell) this.#world.events.record(job, happening);
    }
    await this.untrack(plan.untrack, signal);
    await this.untrack(plan.dismiss, signal);
    try {
      await this.#own.deleteAll(job, [...plan.dismiss, ...plan.remove], signal);
      const created = await this.#own.createAll(job, plan.create, signal);
      if (created > 0) actions.push(`create ${created} pods`);
    } catch (error) {
      if (inTerminatingNamespace(error)) return settled(...actions);
      throw error;
    }
    const deleted = plan.dismiss.length + plan.remove.length;
    if (deleted > 0) actions.push(`delete ${deleted} pods`);
    return plan.againMs === undefined
      ? settled(...actions)
      : requeueAfter(plan.againMs, ...actions);
  }

  /** Takes the finalizer away from those that have it: they are counted, or nobody counts them. */
  async untrack(tracked: readonly Pod[], signal: AbortSignal): Promise<void> {
    for (let from = 0; from < tracked.length; from += 16) {
      const batch = tracked.slice(from, from + 16).filter(isTracked);
      await Promise.all(batch.map((pod) => this.#untrackOne(pod, signal)));
    }
  }

  async #untrackOne(pod: Pod, signal: AbortSignal): Promise<void> {
    const held = this.#world.cache<Pod>(pods).get(`${pod.metadata.namespace}/${pod.metadata.name}`);
    // As it is now: what we know of one that is leaving may be what `Leaving` says of it.
    const current = held !== undefined && held.metadata.uid === pod.metadata.uid ? held : pod;
    const reply = await removeFinalizer(this.#pods, current, trackingFinalizer, signal);
    if (reply !== undefined && !isLeaving(reply)) this.#own.put(reply);
  }

  #status(job: Job, status: NonNullable<Job['status']>, signal: AbortSignal): Promise<boolean> {
    const cache = this.#world.cache<Job>(jobs);
    return writeStatus(this.#world.collection<Job>(jobs), cache, job, status, signal);
  }
}
