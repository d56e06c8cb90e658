/** Takes away pods whose node is gone, and the oldest of too many that have ended. */
import { keyOf } from '#api/resources/meta.ts';
import { nodes, pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Node, Pod, PodCondition } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { isTrue } from '#controller/runtime/conditions.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { every, mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { defined, refOf } from '#controller/runtime/write.ts';
import { hasEnded } from '#controller/workload/pod-state.ts';
import { endedMax, plan, surplus } from './plan.ts';

/** The key under which all that have ended are looked at: no pod is called so. */
const allEnded = '*';
/** Nobody waits for them to go. */
const countMs = 60_000;

class PodGarbage {
  readonly #world: World;
  readonly pods: Cache<Pod>;
  readonly nodes: Cache<Node>;
  /** Since when a node is missing that some pod is bound to. */
  readonly #missing = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    const onNode = ({ spec }: Pod) => (spec?.nodeName === undefined ? [] : [spec.nodeName]);
    this.pods = world.cache<Pod>(pods).addIndex('node', onNode);
    this.pods.addIndex('ended', (pod) => (hasEnded(pod) ? ['yes'] : []));
    this.nodes = world.cache<Node>(nodes);
    this.nodes.changes.subscribe(({ key, after }) => {
      if (after !== undefined) this.#missing.delete(key);
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    if (key === allEnded) return this.#count(signal);
    const pod = this.pods.get(key);
    if (pod === undefined) return settled();
    const name = pod.spec?.nodeName ?? '';
    const node = this.nodes.get(name);
    const nowMs = this.#world.clock.now();
    const missingSinceMs = this.#missing.get(name) ?? nowMs;
    if (name !== '' && node === undefined) this.#missing.set(name, missingSinceMs);
    const action = plan({ pod, node, missingSinceMs, nowMs });
    if (action.type === 'look') return requeueAfter(action.afterMs);
    if (action.type === 'nothing') return settled();
    // Our cache may be behind: what runs on a node is not given up for that.
    if (name !== '' && node === undefined && (await this.#exists(name, signal))) return settled();
    await this.#remove(pod, action.message, signal);
    return settled('delete');
  }

  async #exists(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      this.nodes.put(await this.#world.collection<Node>(nodes).get({ name }, signal));
      return true;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  async #count(signal: AbortSignal): Promise<Outcome> {
    const ended = this.pods.byIndex('ended', 'yes');
    if (ended.length <= endedMax) return settled();
    const going = surplus(ended);
    for (const pod of going) await this.#remove(pod, undefined, signal);
    return settled(`delete ${going.length} that have ended`);
  }

  /** At once: there is nobody who would do it gracefully. */
  async #remove(pod: Pod, message: string | undefined, signal: AbortSignal): Promise<void> {
    const collection = this.#world.collection<Pod>(pods);
    const { uid } = pod.metadata;
    try {
      if (message !== undefined && !hasEnded(pod)) {
        const status = { phase: 'Failed', ...this.#condition(pod, message) };
        await collection.patchStatus(
          refOf(pod),
          { metadata: { uid }, status },
          'strategic',
          signal,
        );
      }
      const options = {
        gracePeriodSeconds: 0,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      };
      await collection.delete(refOf(pod), options, signal);
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
  }

  #condition({ metadata, status }: Pod, message: string): { conditions?: PodCondition[] } {
    if (isTrue(status?.conditions, 'DisruptionTarget')) return {};
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message,
      lastTransitionTime: timestamp(this.#world.clock.now()),
      ...defined({ observedGeneration: metadata.generation }),
    };
    return { conditions: [condition] };
  }
}

export const podGarbageController: Controller = {
  name: 'pod-garbage',
  run: (world) => {
    const all = new PodGarbage(world);
    const { clock } = world;
    const onNode = ({ metadata }: Node) => all.pods.byIndex('node', metadata.name).map(keyOf);
    const keys$ = whenSynced(
      [all.pods, all.nodes],
      selfKeys(all.pods.changes),
      mappedKeys(all.nodes.changes, onNode),
      every(countMs, () => [allEnded], clock),
    );
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), { clock });
  },
};
