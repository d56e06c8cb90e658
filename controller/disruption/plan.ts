/** How many pods of a budget may be taken away now. Pure. After pkg/controller/disruption. */
import { equalJson } from '#api/resources/json.ts';
import type { Pod, PodDisruptionBudget } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { withCondition } from '#controller/runtime/conditions.ts';
import { isLeaving, isReady } from '#controller/workload/pod-state.ts';
import { resolved } from '#controller/workload/share.ts';

type Status = NonNullable<PodDisruptionBudget['status']>;

/** A pod that was allowed to go and has not gone after this will not go any more. */
const goingMs = 120_000;

export interface View {
  readonly budget: PodDisruptionBudget;
  /** All that the budget selects. */
  readonly pods: readonly Pod[];
  /** How many replicas the pods' controllers are to have together; or why that is not known. */
  readonly scale: number | { readonly problem: string };
  readonly nowMs: number;
}

export interface Plan {
  readonly status: Status;
  /** When a pod that was allowed to go is given up, if nothing happens. */
  readonly againMs?: number;
  /** Pods that were allowed to go and did not. */
  readonly stayed: readonly Pod[];
}

/** Whether the number of replicas that are wanted must be known: a share of the pods, or what may be missing. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean =>
  spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';

export function plan(view: View): Plan {
  const { budget, pods, scale, nowMs } = view;
  if (typeof scale !== 'number') return failed(view, scale.problem);
  const { expectedPods, desiredHealthy } = counts(budget, pods.length, scale);
  const { going, stayed, againMs } = stillGoing(budget, pods, nowMs);
  const healthy = pods.filter(
    (pod) => isReady(pod) && !isLeaving(pod) && going[pod.metadata.name] === undefined,
  );
  const currentHealthy = healthy.length;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const allowed = disruptionsAllowed > 0;
  const status: Status = {
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    ...(Object.keys(going).length === 0 ? {} : { disruptedPods: going }),
    observedGeneration: budget.metadata.generation ?? 0,
    conditions: conditions(view, {
      status: allowed ? 'True' : 'False',
      reason: allowed ? 'SufficientPods' : 'InsufficientPods',
      message: '',
    }),
  };
  return { status: kept(budget, status), stayed, ...(againMs === undefined ? {} : { againMs }) };
}

/** The same object if nothing has changed. */
const kept = ({ status }: PodDisruptionBudget, next: Status): Status =>
  status !== undefined && equalJson(status, next) ? status : next;

/** Nothing may go while we do not know how many there should be. */
function failed(view: View, problem: string): Plan {
  const { budget } = view;
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = budget.status ?? {};
  const status: Status = {
    ...budget.status,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed: 0,
    observedGeneration: budget.metadata.generation ?? 0,
    conditions: conditions(view, { status: 'False', reason: 'SyncFailed', message: problem }),
  };
  return { status: kept(budget, status), stayed: [] };
}

function conditions(
  { budget, nowMs }: View,
  is: { readonly status: string; readonly reason: string; readonly message: string },
) {
  const observedGeneration = budget.metadata.generation ?? 0;
  const condition = { type: 'DisruptionAllowed', ...is, observedGeneration };
  return [...withCondition(budget.status?.conditions, condition, timestamp(nowMs))] as NonNullable<
    Status['conditions']
  >;
}

function counts({ spec }: PodDisruptionBudget, pods: number, scale: number) {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    const missing = resolved(maxUnavailable, scale, Math.ceil);
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - missing) };
  }
  if (typeof minAvailable === 'string') {
    return { expectedPods: scale, desiredHealthy: resolved(minAvailable, scale, Math.ceil) };
  }
  return { expectedPods: pods, desiredHealthy: minAvailable ?? 0 };
}

/** Pods that the API allowed to go and whose going is not seen yet: they count as gone, for a while. */
function stillGoing({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const going: Record<string, string> = {};
  const stayed: Pod[] = [];
  let againMs: number | undefined;
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  for (const [name, time] of Object.entries(status?.disruptedPods ?? {})) {
    const pod = byName.get(name);
    if (pod === undefined || isLeaving(pod)) continue;
    const left = Date.parse(time) + goingMs - nowMs;
    if (left <= 0) stayed.push(pod);
    else {
      going[name] = time;
      againMs = Math.min(againMs ?? left, left);
    }
  }
  return { going, stayed, againMs };
}
