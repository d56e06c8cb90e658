/** Which pod goes first when something is short, and what it is told: kubelet's order and words. Pure. */
import { formatQuantity, value } from '#api/resources/quantity.ts';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { isSidecar } from '../pod/view.ts';
import type { Resource, Shortage } from './thresholds.ts';

export interface Candidate {
  readonly pod: Pod;
  /** Of what is short; absent: it could not be measured. */
  readonly use?: {
    readonly total: number;
    readonly containers: ReadonlyMap<string, number>;
  };
}

/** A container's request (or its limit, where it says none) of what is short. */
export function requestOf({ resources }: PodContainer, resource: Resource): number {
  return value(resources?.requests?.[resource] ?? resources?.limits?.[resource] ?? '0');
}

/** The whole pod's: the larger of what runs for good and the greediest init container. */
export function podRequest(pod: Pod, resource: Resource): number {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const lasting = [...containers, ...initContainers.filter(isSidecar)];
  const inits = initContainers.filter((one) => !isSidecar(one));
  return Math.max(
    lasting.reduce((sum, one) => sum + requestOf(one, resource), 0),
    ...inits.map((one) => requestOf(one, resource)),
  );
}

/** The first to go first: not measured, over its request, of lower priority, furthest over its request. */
export function ranked(candidates: readonly Candidate[], resource: Resource): Candidate[] {
  const order = candidates.map((candidate) => {
    const { pod, use } = candidate;
    const over = (use?.total ?? 0) - podRequest(pod, resource);
    return { candidate, unknown: use === undefined, over, priority: pod.spec?.priority ?? 0 };
  });
  order.sort(
    (a, b) =>
      Number(b.unknown) - Number(a.unknown) ||
      Number(b.over > 0) - Number(a.over > 0) ||
      a.priority - b.priority ||
      b.over - a.over,
  );
  return order.map(({ candidate }) => candidate);
}

/** The pod's last words (pkg/kubelet/eviction/helpers.go, with its blank at the end). */
export function evictionMessage({ pod, use }: Candidate, shortage: Shortage): string {
  const { resource, least, available } = shortage;
  const parts = [
    `The node was low on resource: ${resource}.`,
    `Threshold quantity: ${quantity(least, resource)}, available: ${quantity(available, resource)}.`,
  ];
  for (const container of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
    const used = use?.containers.get(container.name);
    const request = requestOf(container, resource);
    if (used === undefined || used <= request) continue;
    parts.push(
      `Container ${container.name} was using ${quantity(used, resource)}, request is ${quantity(request, resource)}, has larger consumption of ${resource}.`,
    );
  }
  return `${parts.join(' ')} `;
}

function quantity(amount: number, resource: Resource): string {
  const format = resource === 'inodes' ? 'DecimalSI' : 'BinarySI';
  return formatQuantity({ nano: BigInt(Math.round(amount)) * 1_000_000_000n, format });
}
