/**
 * What is taken on each node: by pods that the cache shows bound, and by those we have just bound and the cache does
 * not show yet (assumed), so that a burst does not fill a node twice.
 */
import type { Pod } from '#api/resources/types.ts';
import type { Change } from '#controller/runtime/cache.ts';
import { type Amounts, requestsOf } from './resources.ts';

interface Placed {
  readonly node: string;
  readonly amounts: Amounts;
  readonly ports: readonly string[];
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
function portsClash(a: string, b: string): boolean {
  const [ipA, ...restA] = a.split('/');
  const [ipB, ...restB] = b.split('/');
  if (restA.join('/') !== restB.join('/')) return false;
  return ipA === ipB || ipA === '0.0.0.0' || ipB === '0.0.0.0';
}

const empty: Amounts = new Map();

export class Usage {
  readonly #placed = new Map<string, Placed>();
  readonly #totals = new Map<string, Map<string, number>>();
  readonly #ports = new Map<string, Map<string, readonly string[]>>();

  /** What the pods on the node ask for together. */
  of(node: string): Amounts {
    return this.#totals.get(node) ?? empty;
  }

  /** Whether a pod on the node has one of these host ports. */
  portsTaken(node: string, ports: readonly string[]): boolean {
    const held = [...(this.#ports.get(node)?.values() ?? [])].flat();
    return ports.some((port) => held.some((other) => portsClash(port, other)));
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
    if (held?.node === node && held.amounts === amounts) return;
    if (held !== undefined) this.forget(pod);
    const ports = hostPortsOf(pod);
    this.#placed.set(uid, { node, amounts, ports });
    this.#count(node, amounts, 1);
    if (ports.length === 0) return;
    const onNode = this.#ports.get(node) ?? new Map();
    this.#ports.set(node, onNode.set(uid, ports));
  }

  /** The pod takes nothing any more. */
  forget(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const held = this.#placed.get(uid);
    if (held === undefined) return;
    this.#placed.delete(uid);
    this.#count(held.node, held.amounts, -1);
    this.#ports.get(held.node)?.delete(uid);
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
