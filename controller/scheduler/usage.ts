/**
 * What is taken on each node: by pods that the cache shows bound, and by those we have just bound and the cache does
 * not show yet (assumed), so that a burst does not fill a node twice.
 */
import { controllerOf } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Change } from '#controller/runtime/cache.ts';
import { type Amounts, requestsOf } from './resources.ts';

/** A pod and the node that it takes its share of. */
export interface Placed {
  readonly pod: Pod;
  readonly node: string;
  readonly amounts: Amounts;
  readonly ports: readonly string[];
}

/** What a plan reads of what is taken: as it is, or as it would be. */
export interface UsageView {
  /** What the pods on the node ask for together. */
  of(node: string): Amounts;
  /** Whether a pod on the node has one of these host ports. */
  portsTaken(node: string, ports: readonly string[]): boolean;
  podsOn(node: string): Iterable<Placed>;
  all(): Iterable<Placed>;
  /** How many pods of the controller with this uid are on which node. */
  siblings(controller: string): ReadonlyMap<string, number>;
  /** Pods that do not want to be near some others. */
  readonly averse: Iterable<Placed>;
  /** Pods that say anything about which pods they want near them. */
  readonly choosy: Iterable<Placed>;
}

/** Whether the pod still needs its share of the node. */
export const hasEnded = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** `hostIP/protocol/port` of each port of the node that the pod wants. */
export function hostPortsOf(pod: Pod): string[] {
  const containers = pod.spec?.containers ?? [];
  if (containers.every(({ ports }) => ports === undefined)) return [];
  return containers.flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
      .map(({ hostPort, hostIP, protocol }) => {
        const ip = hostIP === undefined || hostIP === '' ? '0.0.0.0' : hostIP;
        return `${ip}/${protocol ?? 'TCP'}/${hostPort}`;
      }),
  );
}

/** All addresses of the node meet every single one. */
export function portsClash(a: string, b: string): boolean {
  const [ipA, ...restA] = a.split('/');
  const [ipB, ...restB] = b.split('/');
  if (restA.join('/') !== restB.join('/')) return false;
  return ipA === ipB || ipA === '0.0.0.0' || ipB === '0.0.0.0';
}

const empty: Amounts = new Map();

const affinityOf = ({ spec }: Pod) => spec?.affinity;

const isAverse = (pod: Pod): boolean =>
  (affinityOf(pod)?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length >
  0;

const isChoosy = (pod: Pod): boolean =>
  affinityOf(pod)?.podAffinity !== undefined || affinityOf(pod)?.podAntiAffinity !== undefined;

const none: ReadonlyMap<string, Placed> = new Map();
const alone: ReadonlyMap<string, number> = new Map();

export class Usage implements UsageView {
  readonly #placed = new Map<string, Placed>();
  readonly #totals = new Map<string, Map<string, number>>();
  readonly #byNode = new Map<string, Map<string, Placed>>();
  readonly #byController = new Map<string, Map<string, number>>();
  readonly averse = new Set<Placed>();
  readonly choosy = new Set<Placed>();

  of(node: string): Amounts {
    return this.#totals.get(node) ?? empty;
  }

  portsTaken(node: string, ports: readonly string[]): boolean {
    for (const held of this.podsOn(node)) {
      if (held.ports.length === 0) continue;
      if (ports.some((port) => held.ports.some((other) => portsClash(port, other)))) return true;
    }
    return false;
  }

  podsOn(node: string): Iterable<Placed> {
    return (this.#byNode.get(node) ?? none).values();
  }

  all(): Iterable<Placed> {
    return this.#placed.values();
  }

  siblings(controller: string): ReadonlyMap<string, number> {
    return this.#byController.get(controller) ?? alone;
  }

  isPlaced(pod: Pod): boolean {
    return this.#placed.has(pod.metadata.uid ?? '');
  }

  /** Follows the cache of pods. */
  apply({ before, after }: Change<Pod>): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid) this.forget(before);
    if (after === undefined) return;
    const node = after.spec?.nodeName;
    if (hasEnded(after)) this.forget(after);
    else if (node !== undefined && node !== '') this.assume(after, node);
  }

  /** The pod takes its share of the node from now on. */
  assume(pod: Pod, node: string): void {
    const uid = pod.metadata.uid ?? '';
    const amounts = requestsOf(pod);
    const held = this.#placed.get(uid);
    if (held?.node === node && held.pod === pod) return;
    if (held !== undefined) this.forget(pod);
    const placed = { pod, node, amounts, ports: hostPortsOf(pod) };
    this.#placed.set(uid, placed);
    this.#count(node, amounts, 1);
    this.#countSibling(pod, node, 1);
    const onNode = this.#byNode.get(node) ?? new Map();
    this.#byNode.set(node, onNode.set(uid, placed));
    if (isAverse(pod)) this.averse.add(placed);
    if (isChoosy(pod)) this.choosy.add(placed);
  }

  /** The pod takes nothing any more. */
  forget(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const held = this.#placed.get(uid);
    if (held === undefined) return;
    this.#placed.delete(uid);
    this.averse.delete(held);
    this.choosy.delete(held);
    this.#count(held.node, held.amounts, -1);
    this.#countSibling(held.pod, held.node, -1);
    const onNode = this.#byNode.get(held.node);
    onNode?.delete(uid);
    if (onNode?.size === 0) this.#byNode.delete(held.node);
  }

  #countSibling(pod: Pod, node: string, sign: 1 | -1): void {
    const uid = controllerOf(pod)?.uid;
    if (uid === undefined) return;
    const counts = this.#byController.get(uid) ?? new Map<string, number>();
    this.#byController.set(uid, counts);
    const count = (counts.get(node) ?? 0) + sign;
    if (count > 0) counts.set(node, count);
    else counts.delete(node);
    if (counts.size === 0) this.#byController.delete(uid);
  }

  #count(node: string, amounts: Amounts, sign: 1 | -1): void {
    let totals = this.#totals.get(node);
    if (totals === undefined) {
      totals = new Map();
      this.#totals.set(node, totals);
    }
    for (const [name, amount] of amounts) {
      totals.set(name, (totals.get(name) ?? 0) + sign * amount);
    }
    if ((totals.get('pods') ?? 0) <= 0) this.#totals.delete(node);
  }
}
