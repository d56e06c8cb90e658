/** Does what the plan says; the only writer of a Deployment's ReplicaSets, status and revision. */
import { equalJson } from '#api/resources/json.ts';
import { controllerOf, keyOf, ownerReferenceTo } from '#api/resources/meta.ts';
import { deployments, replicaSets } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Deployment, ReplicaSet } from '#api/resources/types.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import {
  deleteObject,
  inTerminatingNamespace,
  refOf,
  writeStatus,
} from '#controller/runtime/write.ts';
import type { Plan } from './plan.ts';
import { createFailed } from './progress.ts';
import { annotations } from './revision.ts';
import { sizeOf } from './sizes.ts';
import type { Status } from './status.ts';

export class Performer {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  get #sets() {
    return this.#world.collection<ReplicaSet>(replicaSets);
  }

  get #setCache() {
    return this.#world.cache<ReplicaSet>(replicaSets);
  }

  async perform(deployment: Deployment, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    const actions: string[] = [];
    if (plan.create !== undefined) {
      actions.push(await this.#create(deployment, plan.create, plan.status, signal));
    }
    for (const set of plan.update) actions.push(await this.#update(deployment, set, signal));
    for (const set of plan.remove) {
      await deleteObject(this.#sets, set, signal);
      actions.push(`delete ${set.metadata.name}`);
    }
    const annotated = await this.#annotate(deployment, plan.revision, signal);
    if (await this.#status(annotated, plan.status, signal)) actions.push('status');
    return plan.againMs === undefined
      ? settled(...actions)
      : requeueAfter(plan.againMs, ...actions);
  }

  /** Adopts (`owner` is a reference to us) or releases (there is none left) a ReplicaSet. */
  async claim(
    set: ReplicaSet,
    deployment: Deployment,
    adopt: 'adopt' | 'release',
    signal: AbortSignal,
  ) {
    const { uid, resourceVersion, ownerReferences = [] } = set.metadata;
    const others = ownerReferences.filter((owner) => owner.uid !== deployment.metadata.uid);
    const owners = adopt === 'adopt' ? [...others, ownerReferenceTo(deployment)] : others;
    const patch = { metadata: { uid, resourceVersion, ownerReferences: owners } };
    this.#setCache.put(await this.#sets.patch(refOf(set), patch, 'merge', signal));
  }

  async #create(
    deployment: Deployment,
    set: ReplicaSet,
    status: Status,
    signal: AbortSignal,
  ): Promise<string> {
    const { name } = set.metadata;
    try {
      this.#setCache.put(await this.#sets.create(set, signal));
    } catch (error) {
      if (inTerminatingNamespace(error)) return 'nothing: the namespace is being deleted';
      if (!hasReason(error, 'AlreadyExists')) {
        await this.#tellFailure(deployment, status, error, signal);
        throw error;
      }
      return this.#collide(deployment, set, signal);
    }
    this.#tellScaled(deployment, set, 0);
    return `create ${name}`;
  }

  /** The name is taken: by our own ReplicaSet, which the cache did not show; else the next name is tried. */
  async #collide(deployment: Deployment, set: ReplicaSet, signal: AbortSignal): Promise<string> {
    const held = await this.#sets.get(refOf(set), signal);
    const isOurs = controllerOf(held)?.uid === deployment.metadata.uid;
    if (isOurs && equalJson(held.spec?.selector, set.spec?.selector)) {
      this.#setCache.put(held);
      return `found ${set.metadata.name}`;
    }
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    const status = { ...deployment.status, collisionCount };
    await this.#status(deployment, status, signal);
    throw new Error(
      `create ReplicaSet ${keyOf(set)}: another object has this name; trying the next`,
    );
  }

  async #tellFailure(
    deployment: Deployment,
    status: Status,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    const nowMs = this.#world.clock.now();
    const conditions = [...createFailed(status.conditions ?? [], message, nowMs)];
    await this.#status(deployment, { ...status, conditions }, signal);
    const reason = 'ReplicaSetCreateError';
    this.#world.events.record(deployment, { type: 'Warning', reason, message });
  }

  async #update(deployment: Deployment, set: ReplicaSet, signal: AbortSignal): Promise<string> {
    const before = this.#setCache.get(keyOf(set));
    this.#setCache.put(await this.#sets.update(set, signal));
    const { name } = set.metadata;
    if (before === undefined || sizeOf(before) === sizeOf(set)) return `annotate ${name}`;
    this.#tellScaled(deployment, set, sizeOf(before));
    return `scale ${name} from ${sizeOf(before)} to ${sizeOf(set)}`;
  }

  #tellScaled(deployment: Deployment, set: ReplicaSet, from: number): void {
    const to = sizeOf(set);
    if (to === from) return;
    const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.#world.events.record(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
  }

  async #annotate(
    deployment: Deployment,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<Deployment> {
    const held = deployment.metadata.annotations?.[annotations.revision];
    if (revision === undefined || held === revision) return deployment;
    const patch = { metadata: { annotations: { [annotations.revision]: revision } } };
    const collection = this.#world.collection<Deployment>(deployments);
    const reply = await collection.patch(refOf(deployment), patch, 'merge', signal);
    this.#world.cache<Deployment>(deployments).put(reply);
    return reply;
  }

  #status(deployment: Deployment, status: Status, signal: AbortSignal): Promise<boolean> {
    const cache = this.#world.cache<Deployment>(deployments);
    const collection = this.#world.collection<Deployment>(deployments);
    return writeStatus(collection, cache, deployment, status, signal);
  }
}
