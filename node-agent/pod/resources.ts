/** From requests and limits to quality of service, cgroup numbers and OOM scores. Pure. */
import { milliValue, value } from '#api/resources/quantity.ts';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';
import { isSidecar } from './view.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** cpu.shares for a whole CPU, the least the kernel takes, and the CFS period (pkg/kubelet/cm/helpers_linux.go). */
const sharesPerCpu = 1024;
const sharesMin = 2;
const quotaPeriodUs = 100_000;
const quotaMinUs = 1_000;

interface Amounts {
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
}

interface Needs {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

function amounts(quantities: Record<string, string> | undefined): Amounts {
  const cpu = quantities?.['cpu'];
  const memory = quantities?.['memory'];
  return {
    ...(cpu === undefined ? {} : { cpuMillis: milliValue(cpu) }),
    ...(memory === undefined ? {} : { memoryBytes: value(memory) }),
  };
}

/** A container's requests and limits; a request that is absent is its limit. */
export function needsOf(container: Pick<PodContainer, 'resources'>): Needs {
  const limits = amounts(container.resources?.limits);
  return { limits, requests: { ...limits, ...amounts(container.resources?.requests) } };
}

/** The class that decides who is squeezed first (pkg/apis/core/v1/helper/qos/qos.go). */
export function qosClass(pod: Pod): QosClass {
  const { resources, initContainers = [], containers = [] } = pod.spec ?? {};
  // Resources of the pod as a whole, where there are any, decide alone.
  const all = resources === undefined ? [...initContainers, ...containers] : [{ resources }];
  const needs = all.map(needsOf);
  const guaranteed = needs.every(
    ({ requests, limits }) =>
      isPositive(limits.cpuMillis) &&
      isPositive(limits.memoryBytes) &&
      requests.cpuMillis === limits.cpuMillis &&
      requests.memoryBytes === limits.memoryBytes,
  );
  if (guaranteed) return 'Guaranteed';
  const none = needs.every(
    ({ requests, limits }) =>
      ![requests.cpuMillis, requests.memoryBytes, limits.cpuMillis, limits.memoryBytes].some(
        isPositive,
      ),
  );
  return none ? 'BestEffort' : 'Burstable';
}

const isPositive = (amount: number | undefined): boolean => amount !== undefined && amount > 0;

/** The pod's cgroup: guaranteed pods directly below the root, the others below their class, as kubelet lays them. */
export function podCgroupPath(cgroupRoot: string, qos: QosClass, uid: string): string {
  const parent = qos === 'Guaranteed' ? cgroupRoot : `${cgroupRoot}/${qos.toLowerCase()}`;
  return `${parent}/pod${uid}`;
}

/** cgroup numbers of one container. */
export function containerResources(container: PodContainer): Resources {
  const { requests, limits } = needsOf(container);
  return cgroupNumbers(requests.cpuMillis ?? 0, limits.cpuMillis, limits.memoryBytes);
}

/** Amounts of what a node shares out. */
export interface NodeAmounts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** What the pod's place on the node costs. */
export function podRequests(pod: Pod): NodeAmounts {
  const overhead = amounts(pod.spec?.overhead);
  return {
    cpuMillis: requestOf(pod, 'cpuMillis') + (overhead.cpuMillis ?? 0),
    memoryBytes: requestOf(pod, 'memoryBytes') + (overhead.memoryBytes ?? 0),
  };
}

/** What the pod as a whole asks for: what it says itself, else its containers together, else its own limit. */
function requestOf(pod: Pod, part: keyof NodeAmounts): number {
  const { resources } = pod.spec ?? {};
  const said = amounts(resources?.requests)[part];
  if (said !== undefined) return said;
  const together = total(pod, ({ requests }) => requests[part] ?? 0);
  return together > 0 ? together : (amounts(resources?.limits)[part] ?? 0);
}

/** cgroup numbers of the whole pod; without one of its own a limit holds for it only if every container has one. */
export function podResources(pod: Pod): Resources {
  const limitOf = (part: keyof NodeAmounts) =>
    amounts(pod.spec?.resources?.limits)[part] ?? totalLimit(pod, ({ limits }) => limits[part]);
  return cgroupNumbers(requestOf(pod, 'cpuMillis'), limitOf('cpuMillis'), limitOf('memoryBytes'));
}

function cgroupNumbers(
  requestMillis: number,
  limitMillis: number | undefined,
  memoryBytes: number | undefined,
): Resources {
  const cpuShares = Math.max(sharesMin, Math.floor((requestMillis * sharesPerCpu) / 1000));
  const quota = Math.max(quotaMinUs, Math.floor(((limitMillis ?? 0) * quotaPeriodUs) / 1000));
  return {
    cpu: {
      shares: cpuShares,
      ...(isPositive(limitMillis) ? { quota, period: quotaPeriodUs } : {}),
    },
    ...(memoryBytes !== undefined && memoryBytes > 0 ? { memory: { limit: memoryBytes } } : {}),
  };
}

/** The larger of the sum over what runs for good and the greediest init container. */
function total(pod: Pod, amountOf: (needs: Needs) => number): number {
  const inits = pod.spec?.initContainers ?? [];
  const apps = pod.spec?.containers ?? [];
  const amountsOf = (list: readonly PodContainer[]) => list.map((c) => amountOf(needsOf(c)));
  const lasting = amountsOf([...apps, ...inits.filter(isSidecar)]);
  return Math.max(
    lasting.reduce((sum, amount) => sum + amount, 0),
    ...amountsOf(inits.filter((container) => !isSidecar(container))),
  );
}

/** Undefined unless every container has a limit: one without makes the pod unlimited. */
function totalLimit(pod: Pod, amountOf: (needs: Needs) => number | undefined): number | undefined {
  const limit = total(pod, (needs) => amountOf(needs) || Number.POSITIVE_INFINITY);
  return Number.isFinite(limit) ? limit : undefined;
}

/** Who the kernel kills first when memory runs out (pkg/kubelet/qos/policy.go). */
export function oomScoreAdj(pod: Pod, container: PodContainer, capacityBytes: number): number {
  const guaranteedScore = -997;
  const bestEffortScore = 1000;
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return guaranteedScore;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return guaranteedScore;
  if (qos === 'BestEffort') return bestEffortScore;
  const request = needsOf(container).requests.memoryBytes ?? shareOf(pod);
  const score = 1000 - Math.floor((1000 * request) / capacityBytes);
  return Math.min(Math.max(score, 1000 + guaranteedScore), bestEffortScore - 1);
}

/** Of the memory that the pod as a whole asks for and its containers do not, an equal part. */
function shareOf(pod: Pod): number {
  if (pod.spec?.resources === undefined) return 0;
  const { containers } = pod.spec;
  const together = total(pod, ({ requests }) => requests.memoryBytes ?? 0);
  return Math.max(0, requestOf(pod, 'memoryBytes') - together) / containers.length;
}
