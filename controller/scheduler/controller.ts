/** Gives every pod without a node one: at once when it comes, again when room is made. */

import type { Observable } from 'rxjs/internal/Observable';
import { merge } from 'rxjs/internal/observable/merge';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { equalJson } from '#api/resources/json.ts';
import { keyOf } from '#api/resources/meta.ts';
import { nodes, pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Node, Pod, PodCondition } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import {
  type Outcome,
  type Reconciled,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { refOf } from '#controller/runtime/write.ts';
import { isPending, plan } from './plan.ts';
import { hasEnded, Usage } from './usage.ts';

/** Bindings under way at once: each is one short request. */
const concurrency = 64;
/** A pod that found no room looks again by itself (kube-scheduler: 5 minutes). */
const againMs = 300_000;

/** What the plan reads of a node; its heartbeats change nothing. */
const fitFacts = (node: Node | undefined): unknown => [
  node?.metadata.labels,
  node?.spec?.taints,
  node?.spec?.unschedulable,
  node?.status?.allocatable,
  conditionOf(node?.status?.conditions, 'Ready')?.status,
];

class Scheduler {
  readonly #world: World;
  readonly #pods: Cache<Pod>;
  readonly #nodes: Cache<Node>;
  readonly #usage = new Usage();
  /** Keys of pods that found no room. */
  readonly #waiting = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.#pods = world.cache<Pod>(pods);
    this.#nodes = world.cache<Node>(nodes);
    for (const pod of this.#pods.all()) this.#usage.apply({ key: keyOf(pod), after: pod });
  }

  run(): Observable<Reconciled<string>> {
    const podKeys = this.#pods.changes.pipe(mergeMap((change) => this.#podChanged(change)));
    const nodeKeys = this.#nodes.changes.pipe(mergeMap((change) => this.#nodeChanged(change)));
    const initial = [...this.#pods.all()].filter(isPending).map(keyOf);
    const keys$ = whenSynced([this.#pods, this.#nodes], merge(initial, podKeys, nodeKeys));
    const { clock } = this.#world;
    return reconcileKeys(keys$, (key, signal) => this.#schedule(key, signal), {
      concurrency,
      clock,
    });
  }

  #podChanged(change: Change<Pod>): Iterable<string> {
    this.#usage.apply(change);
    const { key, before, after } = change;
    if (after === undefined) this.#waiting.delete(key);
    const hadNode = before?.spec?.nodeName !== undefined;
    const left = hadNode && (after === undefined || hasEnded(after)) && !hasEnded(before);
    const waiting = left ? [...this.#waiting] : [];
    return after !== undefined && isPending(after) ? [key, ...waiting] : waiting;
  }

  #nodeChanged({ before, after }: Change<Node>): Iterable<string> {
    return equalJson(fitFacts(before), fitFacts(after)) ? [] : [...this.#waiting];
  }

  async #schedule(key: string, signal: AbortSignal): Promise<Outcome> {
    const pod = this.#pods.get(key);
    if (pod === undefined || !isPending(pod) || this.#usage.isPlaced(pod)) {
      this.#waiting.delete(key);
      return settled();
    }
    const placement = plan(pod, this.#nodes.all(), this.#usage);
    if (placement.type === 'bind') {
      this.#waiting.delete(key);
      return this.#bind(pod, placement.node, signal);
    }
    this.#waiting.add(key);
    return requeueAfter(againMs, ...(await this.#refuse(pod, placement.message, signal)));
  }

  async #bind(pod: Pod, node: string, signal: AbortSignal): Promise<Outcome> {
    const { name, namespace, uid } = pod.metadata;
    this.#usage.assume(pod, node);
    try {
      const body = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      };
      await this.#world
        .collection<Pod>(pods)
        .createSubresource(refOf(pod), 'binding', body, signal);
    } catch (error) {
      if (this.#pods.get(keyOf(pod))?.spec?.nodeName === undefined) this.#usage.forget(pod);
      // Gone, or bound by somebody else: the watch will tell.
      if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) return settled();
      throw error;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    this.#world.events.record(pod, { type: 'Normal', reason: 'Scheduled', message });
    return settled(`bind to ${node}`);
  }

  /** Says on the pod why it waits, unless it says so already. */
  async #refuse(pod: Pod, message: string, signal: AbortSignal): Promise<string[]> {
    const held = conditionOf(pod.status?.conditions, 'PodScheduled');
    if (held?.status === 'False' && held.message === message) return [];
    const { clock, events } = this.#world;
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime:
        (held?.status === 'False' ? held.lastTransitionTime : undefined) ?? timestamp(clock.now()),
      ...(pod.metadata.generation === undefined
        ? {}
        : { observedGeneration: pod.metadata.generation }),
    };
    const patch = { status: { conditions: [condition] } };
    const reply = await this.#world
      .collection<Pod>(pods)
      .patchStatus(refOf(pod), patch, 'strategic', signal);
    this.#pods.put(reply);
    events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message });
    return ['no node fits'];
  }
}

export const schedulerController: Controller = {
  name: 'scheduler',
  run: (world) => new Scheduler(world).run(),
};
