/** Does what the plan says; the only writer of a StatefulSet's pods, claims, revisions and status. */
import type { Collection } from '#api/client/collection.ts';
import { persistentVolumeClaims, pods, statefulSets } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '#api/resources/types.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import {
  deleteObject,
  inTerminatingNamespace,
  refOf,
  writeStatus,
} from '#controller/runtime/write.ts';
import { OwnPods } from '#controller/workload/own-pods.ts';
import { Collision, RevisionWriter } from '#controller/workload/revision-writer.ts';
import { identityLabels, ordinalOf } from './identity.ts';
import type { Plan } from './plan.ts';
import type { Status } from './status.ts';

export class Performer {
  readonly #world: World;
  readonly #pods: Collection<Pod>;
  readonly #leaving: Leaving<Pod>;
  readonly #own: OwnPods;
  readonly #revisions: RevisionWriter;

  constructor(world: World, leaving: Leaving<Pod>) {
    this.#world = world;
    this.#pods = world.collection<Pod>(pods);
    this.#leaving = leaving;
    this.#own = new OwnPods(world, leaving);
    this.#revisions = new RevisionWriter(world);
  }

  async perform(set: StatefulSet, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    await this.#own.claim(set, plan.pods, signal);
    await this.#revisions.claim(set, plan.revisions, signal);
    const actions: string[] = [];
    let failure: unknown;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        actions.push(...(await this.#writeHistory(set, plan, signal)));
        await this.#pick(set, plan, actions, signal);
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

  async #writeHistory(set: StatefulSet, plan: Plan, signal: AbortSignal): Promise<string[]> {
    try {
      return await this.#revisions.write(set, plan.history, signal);
    } catch (error) {
      if (!(error instanceof Collision)) throw error;
      const collisionCount = (set.status?.collisionCount ?? 0) + 1;
      await this.#status(set, { replicas: 0, ...set.status, collisionCount }, signal);
      throw error;
    }
  }

  /** Claims before the pods that use them; what goes, last. */
  async #pick(set: StatefulSet, plan: Plan, actions: string[], signal: AbortSignal) {
    for (const claim of plan.createClaims) await this.#createClaim(set, claim, signal);
    for (const claim of plan.updateClaims) await this.#updateClaim(claim, signal);
    for (const pod of plan.identify) await this.#identify(set, pod, signal);
    await Promise.all(plan.create.map((pod) => this.#create(set, pod, signal)));
    for (const pod of plan.replace) this.#tellReplaced(set, pod);
    const leaving = [...plan.replace, ...plan.remove];
    await Promise.all(leaving.map((pod) => this.#remove(set, pod, signal)));
    const named = (word: string, list: readonly Pod[]) =>
      list.map(({ metadata }) => `${word} ${metadata.name}`);
    actions.push(...named('create', plan.create), ...named('delete', leaving));
  }

  async #createClaim(set: StatefulSet, claim: PersistentVolumeClaim, signal: AbortSignal) {
    const { name } = claim.metadata;
    const pod = name.slice(name.indexOf(`-${set.metadata.name}-`) + 1);
    const what = `Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    await this.#telling(set, 'Create', what, signal, async () => {
      const made = await this.#claims.create(claim, signal);
      this.#world.cache<PersistentVolumeClaim>(persistentVolumeClaims).put(made);
    });
  }

  get #claims(): Collection<PersistentVolumeClaim> {
    return this.#world.collection<PersistentVolumeClaim>(persistentVolumeClaims);
  }

  async #updateClaim(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion, ownerReferences } = claim.metadata;
    const patch = { metadata: { uid, resourceVersion, ownerReferences } };
    const reply = await this.#claims.patch(refOf(claim), patch, 'merge', signal);
    this.#world.cache<PersistentVolumeClaim>(persistentVolumeClaims).put(reply);
  }

  async #identify(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const labels = identityLabels(pod.metadata.name, ordinalOf(set, pod) ?? -1);
    const patch = { metadata: { uid: pod.metadata.uid, labels } };
    this.#own.put(await this.#pods.patch(refOf(pod), patch, 'merge', signal));
  }

  async #create(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const what = `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    await this.#telling(set, 'Create', what, signal, async () => {
      this.#own.put(await this.#pods.create(pod, signal));
    });
  }

  async #remove(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const what = `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    await this.#telling(set, 'Delete', what, signal, async () => {
      await deleteObject(this.#pods, pod, signal);
      this.#leaving.add(pod);
    });
  }

  #tellReplaced(set: StatefulSet, pod: Pod): void {
    const { name, namespace } = set.metadata;
    const [reason, state] =
      pod.status?.phase === 'Failed'
        ? ['RecreatingFailedPod', 'failed']
        : ['RecreatingTerminatedPod', 'terminated'];
    const message = `StatefulSet ${namespace}/${name} is recreating ${state} Pod ${pod.metadata.name}`;
    this.#world.events.record(set, { type: 'Warning', reason, message });
  }

  /** Tells of success and failure in Kubernetes' words. What was there already is nothing to tell. */
  async #telling(
    set: StatefulSet,
    verb: 'Create' | 'Delete',
    what: string,
    signal: AbortSignal,
    act: () => Promise<void>,
  ): Promise<void> {
    const { events } = this.#world;
    const text = `${verb.toLowerCase()} ${what}`;
    try {
      await act();
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) return;
      const why = error instanceof Error ? error.message : error;
      const message = `${text} failed error: ${why}`;
      const speak = !signal.aborted && !inTerminatingNamespace(error);
      if (speak) events.record(set, { type: 'Warning', reason: `Failed${verb}`, message });
      throw error;
    }
    const reason = `Successful${verb}`;
    const done = what.startsWith('Claim') ? 'success' : 'successful';
    events.record(set, { type: 'Normal', reason, message: `${text} ${done}` });
  }

  #status(set: StatefulSet, status: Status, signal: AbortSignal): Promise<boolean> {
    const cache = this.#world.cache<StatefulSet>(statefulSets);
    const collection = this.#world.collection<StatefulSet>(statefulSets);
    return writeStatus(collection, cache, set, status, signal);
  }
}
