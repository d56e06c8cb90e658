/** The pods of nodes that are lost or tainted. */
import { keyOf } from '#api/resources/meta.ts';
import { nodes, pods } from '#api/resources/resource-types.ts';
import type { Node, Pod, PodCondition } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import { deleteObject, refOf } from '#controller/runtime/write.ts';
import { evicting, evictionMs } from './eviction.ts';

/** A status patch that makes the pod not ready; undefined: it is not ready already. */
export function notReady(
  pod: Pod,
  nowMs: number,
): { readonly conditions: readonly PodCondition[] } | undefined {
  const held = conditionOf(pod.status?.conditions, 'Ready');
  if (held?.status !== 'True') return undefined;
  const condition = { ...held, status: 'False', lastTransitionTime: timestamp(nowMs) };
  return { conditions: [condition] };
}

export class Podkeeper {
  readonly #world: World;
  readonly nodes: Cache<Node>;
  readonly pods: Cache<Pod>;
  /** Since when each pod bears a taint for a while: a taint need not say when it was added, and kubectl's do not. */
  readonly #bearing = new Map<string, { readonly uid: string | undefined; readonly ms: number }>();

  constructor(world: World) {
    this.#world = world;
    this.nodes = world.cache<Node>(nodes);
    const onNode = ({ spec }: Pod) => (spec?.nodeName === undefined ? [] : [spec.nodeName]);
    this.pods = world.cache<Pod>(pods).addIndex('node', onNode);
  }

  /** The keys of the node's pods, if its taints concern them. */
  tainted(node: Node): string[] {
    const keys = this.pods.byIndex('node', node.metadata.name).map(keyOf);
    if (evicting(node).length > 0) return keys;
    for (const key of keys) this.#bearing.delete(key);
    return [];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const pod = this.pods.get(key);
    const nowMs = this.#world.clock.now();
    const dueMs = pod === undefined ? undefined : this.#dueMs(key, pod, nowMs);
    if (pod === undefined || dueMs === undefined) {
      this.#bearing.delete(key);
      return settled();
    }
    if (dueMs > nowMs) return requeueAfter(dueMs - nowMs);
    await this.#evict(pod, signal);
    return settled('evict');
  }

  #dueMs(key: string, pod: Pod, nowMs: number): number | undefined {
    if (pod.metadata.deletionTimestamp !== undefined) return undefined;
    const { uid } = pod.metadata;
    const before = this.#bearing.get(key);
    const since = before !== undefined && before.uid === uid ? before : { uid, ms: nowMs };
    this.#bearing.set(key, since);
    return evictionMs(pod, this.nodes.get(pod.spec?.nodeName ?? ''), since.ms);
  }

  /** Says first that it was us, so that a Job's policy can tell it from a failure. */
  async #evict(pod: Pod, signal: AbortSignal): Promise<void> {
    const collection = this.#world.collection<Pod>(pods);
    const { clock, events } = this.#world;
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: timestamp(clock.now()),
    };
    if (conditionOf(pod.status?.conditions, 'DisruptionTarget')?.status !== 'True') {
      const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
      await collection.patchStatus(refOf(pod), patch, 'strategic', signal);
    }
    const message = `Marking for deletion Pod ${keyOf(pod)}`;
    events.record(pod, { type: 'Normal', reason: 'TaintManagerEviction', message });
    await deleteObject(collection, pod, signal);
  }
}
