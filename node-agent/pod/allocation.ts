/**
 * What a node has promised a pod: the pod's resources as they were when they last fitted (KEP-1287). A resize that does
 * not fit waits, and the pod goes on with what it had. Pure.
 */
import { equalJson } from '#api/resources/json.ts';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { type NodeAmounts, podRequests } from './resources.ts';

export type ContainerResources = NonNullable<PodContainer['resources']>;

/** By container, and of the pod as a whole under no name; ephemeral containers have none. */
export type Allocated = ReadonlyMap<string, ContainerResources>;

/** Why a resize is not begun. */
export interface PendingResize {
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
  /** Of the pod that asked for it. */
  readonly generation?: number;
}

const containersOf = ({ spec }: Pod): readonly PodContainer[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
];

export const wholePod = '';

const ofPod = ({ spec }: Pod): readonly (readonly [string, ContainerResources])[] =>
  spec?.resources === undefined ? [] : [[wholePod, spec.resources]];

/** What the pod's document asks for. */
export function wantedResources(pod: Pod): Allocated {
  const ofEach = containersOf(pod).map(({ name, resources = {} }) => [name, resources] as const);
  return new Map([...ofEach, ...ofPod(pod)]);
}

/** Of a running container what an earlier life of the agent told the API; of any other what the document asks for. */
export function toldAllocation(pod: Pod): Allocated {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const statuses = [...initContainerStatuses, ...containerStatuses];
  const told = ({ name, resources = {} }: PodContainer): ContainerResources => {
    const status = statuses.find((one) => one.name === name);
    if (status?.resources === undefined) return resources;
    const requests = status.allocatedResources ?? status.resources.requests;
    // Limits are not promised anew: those of a document whose requests were taken were taken with them.
    const taken = equalJson(requests ?? {}, resources.requests ?? {});
    const limits = taken ? resources.limits : status.resources.limits;
    return {
      ...(limits === undefined ? {} : { limits }),
      ...(requests === undefined ? {} : { requests }),
    };
  };
  const ofEach = containersOf(pod).map((container) => [container.name, told(container)] as const);
  return new Map([...ofEach, ...ofPod(pod)]);
}

/** The pod with the resources that it was promised. */
export function withAllocated(pod: Pod, allocated: Allocated): Pod {
  const { spec } = pod;
  if (spec === undefined) return pod;
  const each = (container: PodContainer): PodContainer => {
    const resources = allocated.get(container.name);
    return resources === undefined ? container : { ...container, resources };
  };
  const { initContainers } = spec;
  const whole = allocated.get(wholePod);
  return {
    ...pod,
    spec: {
      ...spec,
      ...(whole === undefined ? {} : { resources: whole }),
      containers: spec.containers.map(each),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(each) }),
    },
  };
}

interface Room {
  /** What the pod was promised before. */
  readonly present: NodeAmounts;
  /** What the node's other pods were promised. */
  readonly others: NodeAmounts;
  readonly capacity: NodeAmounts;
}

const parts = [
  ['cpu', 'cpuMillis'],
  ['memory', 'memoryBytes'],
] as const;

/** Whether the pod may have what it asks for, in kubelet's words. What does not grow is always given. */
export function judgeResize(
  pod: Pod,
  { present, others, capacity }: Room,
): PendingResize | undefined {
  const wanted = podRequests(pod);
  const growing = parts.filter(([, field]) => wanted[field] > present[field]);
  const { generation } = pod.metadata;
  const pending = (reason: PendingResize['reason'], message: string): PendingResize => ({
    reason,
    message,
    ...(generation === undefined ? {} : { generation }),
  });
  for (const [name, field] of growing) {
    if (wanted[field] <= capacity[field]) continue;
    const facts = `${name}, requested: ${wanted[field]}, capacity: ${capacity[field]}`;
    return pending('Infeasible', `Node didn't have enough capacity: ${facts}`);
  }
  for (const [name, field] of growing) {
    if (wanted[field] + others[field] <= capacity[field]) continue;
    const facts = `${name}, requested: ${wanted[field]}, used: ${others[field]}, capacity: ${capacity[field]}`;
    return pending('Deferred', `Node didn't have enough resource: ${facts}`);
  }
  return undefined;
}
