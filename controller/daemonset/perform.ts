/** Does what the plan says; the only writer of a DaemonSet's pods, revisions and status. */
import { daemonSets } from '#api/resources/resource-types.ts';
import type { DaemonSet, Pod } from '#api/resources/types.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import { inTerminatingNamespace, writeStatus } from '#controller/runtime/write.ts';
import { OwnPods } from '#controller/workload/own-pods.ts';
import { Collision, RevisionWriter } from '#controller/workload/revision-writer.ts';
import type { Plan } from './plan.ts';
import { nodeOf } from './pod.ts';
import type { Status } from './status.ts';

export class Performer {
  readonly #world: World;
  readonly #own: OwnPods;
  readonly #revisions: RevisionWriter;
  /** A failed pod of the node is about to go. */
  readonly #onFailed: (set: DaemonSet, node: string) => void;

  constructor(
    world: World,
    leaving: Leaving<Pod>,
    onFailed: (set: DaemonSet, node: string) => void,
  ) {
    this.#world = world;
    this.#own = new OwnPods(world, leaving);
    this.#revisions = new RevisionWriter(world);
    this.#onFailed = onFailed;
  }

  async perform(set: DaemonSet, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    await this.#own.claim(set, plan.pods, signal);
    await this.#revisions.claim(set, plan.revisions, signal);
    const actions: string[] = [];
    let failure: unknown;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        actions.push(...(await this.#writeHistory(set, plan, signal)));
        await this.#change(set, plan, actions, signal);
      } catch (error) {
        if (inTerminatingNamespace(error)) return settled();
        if (error instanceof Collision) throw error;
        failure = error;
      }
    }
    if (await this.#status(set, plan.status, signal)) actions.push('status');
    if (failure !== undefined) throw failure;
    actions.push(...(await this.#revisions.forget(plan.forget, signal)));
    return plan.againMs === undefined
      ? settled(...actions)
      : requeueAfter(plan.againMs, ...actions);
  }

  async #writeHistory(set: DaemonSet, plan: Plan, signal: AbortSignal): Promise<string[]> {
    try {
      return await this.#revisions.write(set, plan.history, signal);
    } catch (error) {
      if (!(error instanceof Collision)) throw error;
      const collisionCount = (set.status?.collisionCount ?? 0) + 1;
      await this.#status(set, { ...plan.status, ...set.status, collisionCount }, signal);
      throw error;
    }
  }

  async #change(set: DaemonSet, plan: Plan, actions: string[], signal: AbortSignal) {
    for (const pod of plan.ended) this.#tellEnded(set, pod);
    await this.#own.deleteAll(set, plan.remove, signal);
    if (plan.remove.length > 0) actions.push(`delete ${plan.remove.length} pods`);
    const created = await this.#own.createAll(set, plan.create, signal);
    if (created > 0) actions.push(`create ${created} pods`);
  }

  #tellEnded(set: DaemonSet, pod: Pod): void {
    const node = nodeOf(pod) ?? '';
    const { name, namespace } = pod.metadata;
    const failed = pod.status?.phase === 'Failed';
    if (failed) this.#onFailed(set, node);
    const [type, reason] = failed
      ? (['Warning', 'FailedDaemonPod'] as const)
      : (['Normal', 'SucceededDaemonPod'] as const);
    const state = failed ? 'failed' : 'succeeded';
    const will = failed ? 'will try to kill it' : 'will try to delete it';
    const message = `Found ${state} daemon pod ${namespace}/${name} on node ${node}, ${will}`;
    this.#world.events.record(set, { type, reason, message });
  }

  #status(set: DaemonSet, status: Status, signal: AbortSignal): Promise<boolean> {
    const cache = this.#world.cache<DaemonSet>(daemonSets);
    const collection = this.#world.collection<DaemonSet>(daemonSets);
    return writeStatus(collection, cache, set, status, signal);
  }
}
