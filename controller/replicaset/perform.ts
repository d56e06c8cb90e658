/** Does what the plan says; the only writer of a ReplicaSet's pods and status. */
import type { ApiObject } from '#api/client/collection.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import { inTerminatingNamespace, writeStatus } from '#controller/runtime/write.ts';
import { OwnPods } from '#controller/workload/own-pods.ts';
import { untilAvailableMs } from '#controller/workload/pod-state.ts';
import type { Plan } from './plan.ts';
import type { Replicated } from './replicated.ts';
import { type Failure, replicaSetStatus } from './status.ts';

export class Performer {
  readonly #world: World;
  readonly #kind: Replicated;
  readonly #own: OwnPods;

  constructor(world: World, kind: Replicated, leaving: Leaving<Pod>) {
    this.#world = world;
    this.#kind = kind;
    this.#own = new OwnPods(world, leaving);
  }

  async perform(object: ApiObject, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    await this.#own.claim(object, plan, signal);
    let failure: unknown;
    const actions: string[] = [];
    try {
      const created = await this.#own.createAll(object, plan.create, signal);
      if (created > 0) actions.push(`create ${created} pods`);
      await this.#own.deleteAll(object, plan.remove, signal);
      if (plan.remove.length > 0) actions.push(`delete ${plan.remove.length} pods`);
    } catch (error) {
      if (inTerminatingNamespace(error)) return settled();
      failure = error;
    }
    // Pods that were just created come back as changes of the cache and are counted then.
    const wrote = await this.#status(object, plan, failureOf(plan, failure), signal);
    if (failure !== undefined) throw failure;
    if (wrote) actions.push('status');
    const { minReadySeconds = 0 } = (object as ReplicaSet).spec ?? {};
    const again = untilAvailableMs(plan.own, minReadySeconds, this.#world.clock.now());
    return again === undefined ? settled(...actions) : requeueAfter(again, ...actions);
  }

  #status(object: ApiObject, plan: Plan, failure: Failure | undefined, signal: AbortSignal) {
    const { asReplicaSet, ownStatus, type } = this.#kind;
    const now = this.#world.clock.now();
    const owned = [...plan.own, ...plan.adopt];
    const status = ownStatus(replicaSetStatus(asReplicaSet(object), owned, now, failure));
    const cache = this.#world.cache<ReplicaSet>(type);
    const collection = this.#world.collection<ReplicaSet>(type);
    return writeStatus(collection, cache, object as ReplicaSet, status as never, signal);
  }
}

function failureOf(plan: Plan, error: unknown): Failure | undefined {
  if (error === undefined) return undefined;
  const reason = plan.create.length > 0 ? 'FailedCreate' : 'FailedDelete';
  return { reason, message: error instanceof Error ? error.message : String(error) };
}
