/** Does what the plan says; the only writer of a ReplicaSet's pods and status. */
import type { Collection } from '#api/client/collection.ts';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import { pods, replicaSets } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import {
  deleteObject,
  inTerminatingNamespace,
  refOf,
  writeStatus,
} from '#controller/runtime/write.ts';
import type { Plan } from './plan.ts';
import { type Failure, replicaSetStatus, untilAvailableMs } from './status.ts';

export class Performer {
  readonly #world: World;
  readonly #pods: Collection<Pod>;
  readonly #leaving: Leaving<Pod>;

  constructor(world: World, leaving: Leaving<Pod>) {
    this.#world = world;
    this.#pods = world.collection<Pod>(pods);
    this.#leaving = leaving;
  }

  async perform(replicaSet: ReplicaSet, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    await this.#claim(replicaSet, plan, signal);
    let failure: unknown;
    const actions: string[] = [];
    try {
      const created = await this.#create(replicaSet, plan.create, signal);
      if (created > 0) actions.push(`create ${created} pods`);
      await this.#remove(replicaSet, plan.remove, signal);
      if (plan.remove.length > 0) actions.push(`delete ${plan.remove.length} pods`);
    } catch (error) {
      if (inTerminatingNamespace(error)) return settled();
      failure = error;
    }
    // Pods that were just created come back as changes of the cache and are counted then.
    const wrote = await this.#status(replicaSet, plan, failureOf(plan, failure), signal);
    if (failure !== undefined) throw failure;
    if (wrote) actions.push('status');
    const again = untilAvailableMs(replicaSet, plan.own, this.#world.clock.now());
    return again === undefined ? settled(...actions) : requeueAfter(again, ...actions);
  }

  async #claim(replicaSet: ReplicaSet, plan: Plan, signal: AbortSignal): Promise<void> {
    const cache = this.#world.cache<Pod>(pods);
    for (const pod of plan.adopt) {
      const { uid, resourceVersion, ownerReferences = [] } = pod.metadata;
      const owners = [...ownerReferences, ownerReferenceTo(replicaSet)];
      const patch = { metadata: { uid, resourceVersion, ownerReferences: owners } };
      cache.put(await this.#pods.patch(refOf(pod), patch, 'merge', signal));
    }
    for (const pod of plan.release) {
      const { uid, resourceVersion, ownerReferences = [] } = pod.metadata;
      const others = ownerReferences.filter((owner) => owner.uid !== replicaSet.metadata.uid);
      const patch = { metadata: { uid, resourceVersion, ownerReferences: others } };
      cache.put(await this.#pods.patch(refOf(pod), patch, 'merge', signal));
    }
  }

  /** In batches of 1, 2, 4 …: what fails for one (a quota, a bad template) is not tried 500 times. */
  async #create(replicaSet: ReplicaSet, wanted: readonly Pod[], signal: AbortSignal) {
    let created = 0;
    for (let size = 1; created < wanted.length; size *= 2) {
      const batch = wanted.slice(created, created + size);
      await Promise.all(batch.map((pod) => this.#createOne(replicaSet, pod, signal)));
      created += batch.length;
    }
    return created;
  }

  async #createOne(replicaSet: ReplicaSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const { events } = this.#world;
    try {
      this.#world.cache<Pod>(pods).put(await this.#pods.create(pod, signal));
    } catch (error) {
      // Our own pod, whose reply was lost: the watch brings it.
      if (hasReason(error, 'AlreadyExists')) return;
      const message = `Error creating: ${error instanceof Error ? error.message : error}`;
      const speak = !signal.aborted && !inTerminatingNamespace(error);
      if (speak) events.record(replicaSet, warning('FailedCreate', message));
      throw error;
    }
    const message = `Created pod: ${pod.metadata.name}`;
    events.record(replicaSet, { type: 'Normal', reason: 'SuccessfulCreate', message });
  }

  async #remove(replicaSet: ReplicaSet, surplus: readonly Pod[], signal: AbortSignal) {
    const { events } = this.#world;
    await Promise.all(
      surplus.map(async (pod) => {
        await deleteObject(this.#pods, pod, signal);
        this.#leaving.add(pod);
        const message = `Deleted pod: ${pod.metadata.name}`;
        events.record(replicaSet, { type: 'Normal', reason: 'SuccessfulDelete', message });
      }),
    );
  }

  #status(replicaSet: ReplicaSet, plan: Plan, failure: Failure | undefined, signal: AbortSignal) {
    const now = this.#world.clock.now();
    const status = replicaSetStatus(replicaSet, [...plan.own, ...plan.adopt], now, failure);
    const cache = this.#world.cache<ReplicaSet>(replicaSets);
    const collection = this.#world.collection<ReplicaSet>(replicaSets);
    return writeStatus(collection, cache, replicaSet, status, signal);
  }
}

const warning = (reason: string, message: string) =>
  ({ type: 'Warning', reason, message }) as const;

function failureOf(plan: Plan, error: unknown): Failure | undefined {
  if (error === undefined) return undefined;
  const reason = plan.create.length > 0 ? 'FailedCreate' : 'FailedDelete';
  return { reason, message: error instanceof Error ? error.message : String(error) };
}
