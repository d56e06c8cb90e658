/** Keeps the Node object and its Lease in the API true: registers, reports, renews. */
import { isDeepStrictEqual } from 'node:util';
import type { Client, Collection } from '#api/client/collection.ts';
import { leases, nodes } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Lease, Node } from '#api/resources/types.ts';
import { backoffMs, connectBackoff } from '#controller/runtime/backoff.ts';
import { microTimestamp, sleep, systemClock } from '#controller/runtime/clock.ts';
import type { Log } from '#controller/runtime/log.ts';
import type { NodeEvents } from './node-events.ts';
import {
  leaseNamespace,
  leaseSeconds,
  type NodeIdentity,
  type NodeReport,
  nodeAnnotations,
  nodeLabels,
  nodeLease,
  nodeObject,
  nodeStatus,
} from './node-object.ts';

/** kubelet's numbers: look every 10 s, write when something changed and every 5 min anyway. */
const lookMs = 10_000;
const reportMs = 300_000;
const renewMs = (leaseSeconds * 1000) / 4;

export interface RegistrationOptions {
  readonly client: Client;
  readonly identity: NodeIdentity;
  readonly report: () => Promise<NodeReport>;
  readonly events: Pick<NodeEvents, 'conditionsChanged'>;
  readonly log: Log;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #nodes: Collection<Node>;
  readonly #leases: Collection<Lease>;
  readonly #abort = new AbortController();
  #node: Node | undefined;
  #reportedAt = 0;
  #lease: Lease | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#nodes = options.client.collection<Node>(nodes);
    this.#leases = options.client.collection<Lease>(leases);
  }

  /** The Node as last seen from the API. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** Registers (asking again until the API answers), then reports and renews until `stop`. */
  start(): void {
    void this.#repeat('node not reported', lookMs, () => this.#reportNode());
    void this.#repeat('lease not renewed', renewMs, () => this.#renew());
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Something worth telling at once, such as a new image. */
  async reportNow(): Promise<void> {
    await this.#reportNode().catch((error: unknown) =>
      this.#options.log.warn('node not reported', { error }),
    );
  }

  async #repeat(complaint: string, everyMs: number, run: () => Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    let failures = 0;
    while (!signal.aborted) {
      let waitMs = everyMs;
      try {
        await run();
        failures = 0;
      } catch (error) {
        failures += 1;
        waitMs = Math.min(everyMs, backoffMs(connectBackoff, failures, Math.random()));
        if (failures % 20 === 10) this.#options.log.warn(complaint, { error, retryMs: waitMs });
      }
      await sleep(systemClock, waitMs, signal);
    }
  }

  /** Reads the Node each time: others write to it too (the node lifecycle controller gave it up, it was deleted). */
  async #reportNode(): Promise<void> {
    const report = await this.#options.report();
    const name = this.#options.identity.nodeName;
    const node = this.#node === undefined ? undefined : await this.#read();
    this.#node = node ?? (await this.#register(report));
    const status = nodeStatus(this.#options.identity, report, this.#node.status);
    const due = report.now - this.#reportedAt >= reportMs;
    if (!due && isDeepStrictEqual(timeless(status), timeless(this.#node.status))) return;
    const before = this.#node.status?.conditions ?? [];
    this.#node = await this.#nodes.patchStatus({ name }, { status }, 'strategic');
    this.#reportedAt = report.now;
    this.#options.events.conditionsChanged(before, status.conditions ?? []);
  }

  async #read(): Promise<Node | undefined> {
    try {
      return await this.#nodes.get({ name: this.#options.identity.nodeName });
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Creates the Node, or takes over the one that an earlier life of the agent made. */
  async #register(report: NodeReport): Promise<Node> {
    const { identity } = this.#options;
    const name = identity.nodeName;
    try {
      const node = nodeObject(identity, report.facts);
      const status = nodeStatus(identity, report, undefined);
      const created = await this.#nodes.create({ ...node, status });
      this.#reportedAt = report.now;
      this.#options.events.conditionsChanged([], status.conditions ?? []);
      return created;
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
    const labels = nodeLabels(identity, report.facts);
    const known = await this.#nodes.get({ name });
    const annotations = nodeAnnotations(identity);
    const has = (held: Record<string, string> | undefined, wanted: Record<string, string>) =>
      Object.entries(wanted).every(([key, text]) => held?.[key] === text);
    const { metadata } = known;
    if (has(metadata.labels, labels) && has(metadata.annotations, annotations)) return known;
    return this.#nodes.patch({ name }, { metadata: { labels, annotations } }, 'merge');
  }

  async #renew(): Promise<void> {
    const name = this.#options.identity.nodeName;
    const owner = this.#node?.metadata.uid;
    // Without its Node a Lease would be collected as an orphan; registration is under way.
    if (owner === undefined)
      throw new Error(`renew the lease of ${name}: the node is not registered`);
    const now = Date.now();
    this.#lease ??= await this.#leases.create(nodeLease(name, owner, now)).catch(async (error) => {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      return this.#leases.get({ name, namespace: leaseNamespace });
    });
    const lease = this.#lease;
    const spec = { ...nodeLease(name, owner, now).spec, renewTime: microTimestamp(now) };
    try {
      this.#lease = await this.#leases.update({ ...lease, spec: { ...lease.spec, ...spec } });
    } catch (error) {
      // Deleted or changed by somebody: read it anew with the next try.
      this.#lease = undefined;
      throw error;
    }
  }
}

/** A status without what changes at every look. */
function timeless(status: Node['status']): unknown {
  const conditions = status?.conditions?.map(({ type, status: is, reason }) => [type, is, reason]);
  const { addresses, allocatable, capacity, daemonEndpoints, images, nodeInfo } = status ?? {};
  const ours = conditions?.filter(([type]) => type !== 'NetworkUnavailable');
  return { addresses, allocatable, capacity, daemonEndpoints, images, nodeInfo, ours };
}
