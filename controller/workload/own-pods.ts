/** Writes an owner's pods: takes them over, makes and deletes them, and tells of it in events. */
import type { ApiObject, Collection } from '#api/client/collection.ts';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import type { World } from '#controller/runtime/world.ts';
import { deleteObject, inTerminatingNamespace, refOf } from '#controller/runtime/write.ts';
import type { Claim } from './claim.ts';

export class OwnPods {
  readonly #world: World;
  readonly #pods: Collection<Pod>;
  readonly #leaving: Leaving<Pod>;

  constructor(world: World, leaving: Leaving<Pod>) {
    this.#world = world;
    this.#pods = world.collection<Pod>(pods);
    this.#leaving = leaving;
  }

  /**
   * Adopts and releases. Who counts its pods by a finalizer gives and takes that too.
   * @throws StatusError 409 if a pod has changed meanwhile
   */
  async claim(
    owner: ApiObject,
    { adopt, release }: Claim<Pod>,
    signal: AbortSignal,
    finalizer?: string,
  ): Promise<void> {
    const others = (pod: Pod) =>
      (pod.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
    const rest = (pod: Pod) => (pod.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    const filled = <T>(list: readonly T[]) => (list.length === 0 ? null : list);
    const counted = (list: string[]) =>
      finalizer === undefined ? {} : { finalizers: filled(list) };
    for (const pod of adopt) {
      const ownerReferences = [...others(pod), ownerReferenceTo(owner)];
      const finalizers = [...rest(pod), finalizer ?? ''];
      await this.#own(pod, { ownerReferences, ...counted(finalizers) }, signal);
    }
    for (const pod of release) {
      const finalizers = rest(pod);
      const ownerReferences = filled(others(pod));
      await this.#own(pod, { ownerReferences, ...counted(finalizers) }, signal);
    }
  }

  async #own(pod: Pod, change: object, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = pod.metadata;
    const patch = { metadata: { uid, resourceVersion, ...change } };
    try {
      this.put(await this.#pods.patch(refOf(pod), patch, 'merge', signal));
    } catch (error) {
      // What has gone need not be taken or given.
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }

  /** In batches of 1, 2, 4 …: what fails for one (a quota, a bad template) is not tried 500 times. */
  async createAll(owner: ApiObject, wanted: readonly Pod[], signal: AbortSignal): Promise<number> {
    let created = 0;
    for (let size = 1; created < wanted.length; size *= 2) {
      const batch = wanted.slice(created, created + size);
      await Promise.all(batch.map((pod) => this.create(owner, pod, signal)));
      created += batch.length;
    }
    return created;
  }

  /** Makes the pod; that it is there already is as good. Failures are told in an event and thrown. */
  async create(owner: ApiObject, pod: Pod, signal: AbortSignal): Promise<void> {
    const { events } = this.#world;
    try {
      this.put(await this.#pods.create(pod, signal));
    } catch (error) {
      // Our own pod, whose reply was lost: the watch brings it.
      if (hasReason(error, 'AlreadyExists')) return;
      const message = `Error creating: ${error instanceof Error ? error.message : error}`;
      const speak = !signal.aborted && !inTerminatingNamespace(error);
      if (speak) events.record(owner, { type: 'Warning', reason: 'FailedCreate', message });
      throw error;
    }
    const message = `Created pod: ${pod.metadata.name}`;
    events.record(owner, { type: 'Normal', reason: 'SuccessfulCreate', message });
  }

  async deleteAll(owner: ApiObject, surplus: readonly Pod[], signal: AbortSignal): Promise<void> {
    await Promise.all(surplus.map((pod) => this.delete(owner, pod, signal)));
  }

  async delete(owner: ApiObject, pod: Pod, signal: AbortSignal): Promise<void> {
    await this.remove(pod, signal);
    const message = `Deleted pod: ${pod.metadata.name}`;
    this.#world.events.record(owner, { type: 'Normal', reason: 'SuccessfulDelete', message });
  }

  /** Deletes without a word. */
  async remove(pod: Pod, signal: AbortSignal): Promise<void> {
    await deleteObject(this.#pods, pod, signal);
    this.#leaving.add(pod);
  }

  /** What the server answered, for the next plan. */
  put(pod: Pod): void {
    this.#world.cache<Pod>(pods).put(pod);
  }
}
