/** Watches over nodes: one whose Lease is renewed no more is tainted, and its pods go when they bear it no longer. */
import { equalJson } from '#api/resources/json.ts';
import { keyOf } from '#api/resources/meta.ts';
import { leases, nodes, pods } from '#api/resources/resource-types.ts';
import type { Lease, Node, Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { refOf } from '#controller/runtime/write.ts';
import { type Plan, plan, usualGraceMs } from './plan.ts';
import { notReady, Podkeeper } from './pods.ts';

class NodeLifecycle {
  readonly #world: World;
  readonly #graceMs: number;
  readonly nodes: Cache<Node>;
  readonly leases: Cache<Lease>;
  readonly pods: Cache<Pod>;
  /** The last sign of life of each node: when we saw it, by our own clock. */
  readonly #seenMs = new Map<string, number>();

  constructor(world: World, graceMs: number) {
    this.#world = world;
    this.#graceMs = graceMs;
    this.nodes = world.cache<Node>(nodes);
    this.leases = world.follow<Lease>(leases, { namespace: 'kube-node-lease' });
    const onNode = ({ spec }: Pod) => (spec?.nodeName === undefined ? [] : [spec.nodeName]);
    this.pods = world.cache<Pod>(pods).addIndex('node', onNode);
    const { clock } = world;
    this.leases.changes.subscribe(({ before, after }) => {
      if (after === undefined || after.spec?.renewTime === before?.spec?.renewTime) return;
      this.#seenMs.set(after.metadata.name, clock.now());
    });
    // A fresh report is a sign of life too: of a node that has no Lease yet.
    this.nodes.changes.subscribe(({ key, before, after }) => {
      if (after === undefined) this.#seenMs.delete(key);
      else if (!equalJson(heartbeats(before), heartbeats(after))) {
        this.#seenMs.set(key, clock.now());
      }
    });
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const node = this.nodes.get(name);
    if (node === undefined) return settled();
    const nowMs = this.#world.clock.now();
    const seenMs = this.#seenMs.get(name) ?? nowMs;
    const wanted = plan({ node, seenMs, nowMs, graceMs: this.#graceMs });
    const actions = await this.#perform(node, wanted, signal);
    const { againMs } = wanted;
    return againMs === undefined ? settled(...actions) : requeueAfter(againMs, ...actions);
  }

  async #perform(node: Node, wanted: Plan, signal: AbortSignal): Promise<string[]> {
    const collection = this.#world.collection<Node>(nodes);
    const { name, resourceVersion } = node.metadata;
    const actions: string[] = [];
    let version = resourceVersion;
    if (wanted.conditions !== undefined) {
      const patch = {
        metadata: { resourceVersion: version },
        status: { conditions: wanted.conditions },
      };
      const reply = await collection.patchStatus({ name }, patch, 'merge', signal);
      this.nodes.put(reply);
      version = reply.metadata.resourceVersion;
      actions.push('lost');
      const message = `Node ${name} status is now: NodeNotReady`;
      this.#world.events.record(node, { type: 'Normal', reason: 'NodeNotReady', message });
    }
    if (wanted.taints !== undefined) {
      const patch = { metadata: { resourceVersion: version }, spec: { taints: wanted.taints } };
      this.nodes.put(await collection.patch({ name }, patch, 'merge', signal));
      actions.push('taints');
    }
    if (wanted.podsNotReady) await this.#podsNotReady(name, signal);
    return actions;
  }

  /** Nobody can say any more that they serve. */
  async #podsNotReady(node: string, signal: AbortSignal): Promise<void> {
    const collection = this.#world.collection<Pod>(pods);
    for (const pod of this.pods.byIndex('node', node)) {
      const status = notReady(pod, this.#world.clock.now());
      if (status === undefined) continue;
      const patch = { metadata: { uid: pod.metadata.uid }, status };
      this.pods.put(await collection.patchStatus(refOf(pod), patch, 'strategic', signal));
    }
  }
}

const heartbeats = (node: Node | undefined): unknown =>
  node?.status?.conditions?.map(({ type, lastHeartbeatTime }) => [type, lastHeartbeatTime]);

/** `graceMs`: how long a node may be silent. */
export const nodeLifecycleController = (graceMs: number = usualGraceMs): Controller => ({
  name: 'node-lifecycle',
  run: (world) => {
    const all = new NodeLifecycle(world, graceMs);
    const keys$ = whenSynced([all.nodes, all.leases, all.pods], selfKeys(all.nodes.changes));
    const { clock } = world;
    return reconcileKeys(keys$, (name, signal) => all.reconcile(name, signal), { clock });
  },
});

/** Drives pods from nodes whose taints they do not bear. */
export const taintEvictionController: Controller = {
  name: 'taint-eviction',
  run: (world) => {
    const keeper = new Podkeeper(world);
    const bound = ({ spec, metadata }: Pod) =>
      spec?.nodeName === undefined ? [] : [keyOf({ metadata })];
    const onNode = (node: Node) => keeper.tainted(node);
    const keys$ = whenSynced(
      [keeper.nodes, keeper.pods],
      mappedKeys(keeper.pods.changes, bound),
      mappedKeys(keeper.nodes.changes, onNode),
    );
    const { clock } = world;
    return reconcileKeys(keys$, (key, signal) => keeper.reconcile(key, signal), {
      clock,
      concurrency: 16,
    });
  },
};
