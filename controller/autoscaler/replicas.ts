/** How many replicas a measure asks for. Pure. After pkg/controller/podautoscaler/replica_calculator.go. */
import { milliValue } from '#api/resources/quantity.ts';
import type { Pod } from '#api/resources/types.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import type { PodUse } from './access.ts';

/** A measure that cannot be taken, with the reason Kubernetes gives. */
export class NoMeasure extends Error {
  override readonly name = 'NoMeasure';
}

export interface Measure {
  /** `cpu` or `memory`. */
  readonly resource: string;
  /** One container of the pod alone. */
  readonly container?: string;
  /** Percent of what is requested, or a number of thousandths a pod. */
  readonly target: { readonly utilization: number } | { readonly averageMillis: number };
}

export interface View {
  readonly pods: readonly Pod[];
  readonly uses: ReadonlyMap<string, PodUse>;
  readonly replicas: number;
  readonly nowMs: number;
  /** How far used may be above and below wanted, as a share of it, before anything is changed. Default 0.1. */
  readonly tolerance?: { readonly up?: number; readonly down?: number };
}

export interface Proposal {
  readonly replicas: number;
  /** Percent of what is requested; absent for a measure without requests. */
  readonly utilization?: number;
  /** Mean over the pods, in thousandths. */
  readonly averageMillis: number;
}

/** Kubernetes' `--horizontal-pod-autoscaler-tolerance`. */
const usualTolerance = 0.1;
/** A pod's CPU says little while it starts. */
const cpuInitializationMs = 300_000;
const initialReadinessMs = 30_000;

interface Grouped {
  readonly used: Map<string, number>;
  readonly unready: readonly Pod[];
  readonly missing: readonly Pod[];
  readonly ready: number;
}

/** @throws NoMeasure when there are no pods, no measures, or no requests to compare with */
export function proposal(measure: Measure, view: View): Proposal {
  const { pods, replicas } = view;
  if (pods.length === 0)
    throw new NoMeasure('no pods returned by selector while calculating replica count');
  const { used, unready, missing, ready } = grouped(measure, view);
  if (used.size === 0) {
    throw new NoMeasure('did not receive metrics for targeted pods (pods might be unready)');
  }
  const { target } = measure;
  const requests = 'utilization' in target ? requestsOf(measure, pods) : undefined;
  const first = compare(measure, used, requests);
  const told = {
    averageMillis: first.averageMillis,
    ...(first.utilization === undefined ? {} : { utilization: first.utilization }),
  };
  const rising = first.ratio > 1;
  const withUnready = rising && unready.length > 0;
  const { up = usualTolerance, down = usualTolerance } = view.tolerance ?? {};
  const close = (ratio: number) => ratio >= 1 - down && ratio <= 1 + up;
  if (!withUnready && missing.length === 0) {
    const wanted = close(first.ratio) ? replicas : Math.ceil(first.ratio * ready);
    return { ...told, replicas: wanted };
  }
  const guessed = new Map(used);
  // In doubt nothing is made of it: who is missing would use all when we shrink, nothing when we grow.
  if (first.ratio !== 1) {
    for (const pod of missing)
      guessed.set(pod.metadata.name, rising ? 0 : full(measure, pod, requests));
  }
  if (withUnready) for (const pod of unready) guessed.set(pod.metadata.name, 0);
  const { ratio } = compare(measure, guessed, requests);
  const turned = (first.ratio < 1 && ratio > 1) || (rising && ratio < 1);
  if (close(ratio) || turned) return { ...told, replicas };
  const wanted = Math.ceil(ratio * guessed.size);
  const against = (ratio < 1 && wanted > replicas) || (ratio > 1 && wanted < replicas);
  return { ...told, replicas: against ? replicas : wanted };
}

function full(
  { target }: Measure,
  pod: Pod,
  requests: ReadonlyMap<string, number> | undefined,
): number {
  if ('averageMillis' in target) return target.averageMillis;
  return ((requests?.get(pod.metadata.name) ?? 0) * Math.max(100, target.utilization)) / 100;
}

function compare(
  { target }: Measure,
  used: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number> | undefined,
) {
  let total = 0;
  let requested = 0;
  for (const [name, amount] of used) {
    total += amount;
    requested += requests?.get(name) ?? 0;
  }
  const averageMillis = Math.floor(total / used.size);
  if ('averageMillis' in target) {
    return { ratio: averageMillis / target.averageMillis, averageMillis };
  }
  if (requested === 0) throw new NoMeasure('no metrics returned matched known pods');
  const utilization = Math.floor((total * 100) / requested);
  return { ratio: utilization / target.utilization, averageMillis, utilization };
}

/** Sorts out whose measures count. */
function grouped(measure: Measure, { pods, uses, nowMs }: View): Grouped {
  const used = new Map<string, number>();
  const unready: Pod[] = [];
  const missing: Pod[] = [];
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || pod.status?.phase === 'Failed') continue;
    const use = uses.get(name);
    const amount = use === undefined ? undefined : amountOf(measure, use);
    if (pod.status?.phase === 'Pending') unready.push(pod);
    else if (use === undefined || amount === undefined) missing.push(pod);
    else if (measure.resource === 'cpu' && isStarting(pod, use, nowMs)) unready.push(pod);
    else used.set(name, amount);
  }
  return { used, unready, missing, ready: used.size };
}

/** Undefined: a container has no measure yet. */
function amountOf({ resource, container }: Measure, { containers }: PodUse): number | undefined {
  if (container !== undefined) return containers.get(container)?.get(resource);
  let sum = 0;
  for (const use of containers.values()) {
    const amount = use.get(resource);
    if (amount === undefined) return undefined;
    sum += amount;
  }
  return containers.size === 0 ? undefined : sum;
}

function isStarting(pod: Pod, { timeMs, windowMs }: PodUse, nowMs: number): boolean {
  const condition = conditionOf(pod.status?.conditions, 'Ready');
  const startMs = Date.parse(pod.status?.startTime ?? '');
  if (condition === undefined || Number.isNaN(startMs)) return true;
  const sinceMs = Date.parse(condition.lastTransitionTime ?? '');
  if (startMs + cpuInitializationMs > nowMs) {
    return condition.status === 'False' || timeMs < sinceMs + windowMs;
  }
  return condition.status === 'False' && startMs + initialReadinessMs > sinceMs;
}

function requestsOf({ resource, container }: Measure, pods: readonly Pod[]) {
  const requests = new Map<string, number>();
  for (const { metadata, spec } of pods) {
    const sidecars = (spec?.initContainers ?? []).filter((one) => one.restartPolicy === 'Always');
    const counted = [...(spec?.containers ?? []), ...sidecars].filter(
      ({ name }) => container === undefined || name === container,
    );
    let sum = 0;
    for (const { name, resources } of counted) {
      const request = resources?.requests?.[resource];
      if (request === undefined) {
        throw new NoMeasure(
          `missing request for ${resource} in container ${name} of Pod ${metadata.name}`,
        );
      }
      sum += milliValue(request);
    }
    requests.set(metadata.name, sum);
  }
  return requests;
}
