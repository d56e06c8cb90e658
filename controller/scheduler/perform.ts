/** The scheduler's writes: bindings, why a pod waits, whom it drives away, where its claims shall be made. */
import type { Collection } from '#api/client/collection.ts';
import { persistentVolumeClaims, pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { PersistentVolumeClaim, Pod, PodCondition } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf, isTrue } from '#controller/runtime/conditions.ts';
import type { World } from '#controller/runtime/world.ts';
import { defined, deleteObject, refOf } from '#controller/runtime/write.ts';
import type { Preemption } from './preempt.ts';

/** Tells who makes a claim's volume for which node; the volume binder reads it. */
const selectedNode = 'volume.kubernetes.io/selected-node';

export class Performer {
  readonly #world: World;
  readonly #pods: Collection<Pod>;

  constructor(world: World) {
    this.#world = world;
    this.#pods = world.collection<Pod>(pods);
  }

  /** @throws StatusError 409 when the pod has a node already, 404 when it has gone */
  async bind(pod: Pod, node: string, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    await this.#pods.createSubresource(refOf(pod), 'binding', body, signal);
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    this.#world.events.record(pod, { type: 'Normal', reason: 'Scheduled', message });
  }

  /** Asks for the claim's volume on the node, unless that was asked for already. */
  async selectNode(claim: PersistentVolumeClaim, node: string, signal: AbortSignal): Promise<void> {
    const { uid, annotations } = claim.metadata;
    if (annotations?.[selectedNode] === node) return;
    const patch = { metadata: { uid, annotations: { [selectedNode]: node } } };
    const claims = this.#world.collection<PersistentVolumeClaim>(persistentVolumeClaims);
    const reply = await claims.patch(refOf(claim), patch, 'merge', signal);
    this.#world.cache<PersistentVolumeClaim>(persistentVolumeClaims).put(reply);
  }

  /** Says on the pod why it waits and which node it was promised (`''`: none), unless it says so already. */
  async refuse(pod: Pod, message: string, promised: string, signal: AbortSignal): Promise<boolean> {
    const held = conditionOf(pod.status?.conditions, 'PodScheduled');
    const same = held?.status === 'False' && held.message === message;
    const nominated = pod.status?.nominatedNodeName ?? '';
    if (same && nominated === promised) return false;
    const now = timestamp(this.#world.clock.now());
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: (held?.status === 'False' ? held.lastTransitionTime : undefined) ?? now,
      ...defined({ observedGeneration: pod.metadata.generation }),
    };
    const status = {
      conditions: [condition],
      ...(nominated === promised ? {} : { nominatedNodeName: promised === '' ? null : promised }),
    };
    const reply = await this.#pods.patchStatus(refOf(pod), { status }, 'strategic', signal);
    this.#world.cache<Pod>(pods).put(reply);
    if (!same) {
      this.#world.events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message });
    }
    return true;
  }

  /** Drives the victims away, saying first on each that it was us. */
  async evict(pod: Pod, { node, victims }: Preemption, signal: AbortSignal): Promise<void> {
    const going = victims.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    await Promise.all(going.map((victim) => this.#evictOne(pod, node, victim, signal)));
  }

  async #evictOne(pod: Pod, node: string, victim: Pod, signal: AbortSignal): Promise<void> {
    const { clock, events } = this.#world;
    if (!isTrue(victim.status?.conditions, 'DisruptionTarget')) {
      const condition: PodCondition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
        lastTransitionTime: timestamp(clock.now()),
        ...defined({ observedGeneration: victim.metadata.generation }),
      };
      const patch = { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } };
      try {
        await this.#pods.patchStatus(refOf(victim), patch, 'strategic', signal);
      } catch (error) {
        if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) return;
        throw error;
      }
    }
    await deleteObject(this.#pods, victim, signal);
    const message = `Preempted by pod ${pod.metadata.uid} on node ${node}`;
    events.record(victim, { type: 'Normal', reason: 'Preempted', message });
  }
}
