/** What an autoscaler wants of its target, and what it says of itself. Pure. */
import { formatQuantity, milliValue, parseQuantity } from '#api/resources/quantity.ts';
import type { HorizontalPodAutoscaler, Pod } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, withCondition } from '#controller/runtime/conditions.ts';
import { defined } from '#controller/runtime/write.ts';
import type { PodUse, Scale } from './access.ts';
import { limited, type Memory, remembered } from './behaviour.ts';
import { type Measure, NoMeasure, type Proposal, proposal } from './replicas.ts';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Status = NonNullable<HorizontalPodAutoscaler['status']>;
type Metric = NonNullable<Spec['metrics']>[number];
type Current = NonNullable<Status['currentMetrics']>[number];

export interface View {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly scale: Scale;
  readonly pods: readonly Pod[];
  /** Or why there are none. */
  readonly uses: ReadonlyMap<string, PodUse> | Error;
  readonly memory: Memory;
  readonly nowMs: number;
}

export interface Plan {
  readonly replicas: number;
  /** Why the size changes, in Kubernetes' words. */
  readonly reason: string;
  readonly conditions: readonly Condition[];
  readonly currentMetrics: readonly Current[];
  readonly memory: Memory;
  /** Why no size could be computed. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

interface Measured {
  readonly replicas: number;
  /** What decided. */
  readonly name: string;
  readonly current: readonly Current[];
  readonly failure?: { readonly reason: string; readonly message: string };
}

type Words = readonly [status: string, reason: string, message: string];

const gotScale: Words = [
  'True',
  'SucceededGetScale',
  "the HPA controller was able to get the target's current scale",
];

export function plan(view: View): Plan {
  const { autoscaler, scale, nowMs } = view;
  const { minReplicas: min = 1, maxReplicas: max = 1 } = autoscaler.spec ?? {};
  const current = scale.spec?.replicas ?? 0;
  const say = conditionsOf(autoscaler, nowMs).and('AbleToScale', gotScale);
  const same = { currentMetrics: autoscaler.status?.currentMetrics ?? [], memory: view.memory };
  const to = (replicas: number, reason: string): Plan => {
    return { ...same, replicas, reason, conditions: say.all };
  };
  if (current === 0 && min !== 0) {
    const why = 'scaling is disabled since the replica count of the target is zero';
    const { all } = say.and('ScalingActive', ['False', 'ScalingDisabled', why]);
    return { ...to(0, ''), conditions: all };
  }
  if (current > max) return to(max, 'Current number of replicas above Spec.MaxReplicas');
  if (current < min) return to(min, 'Current number of replicas below Spec.MinReplicas');
  const measured = measure(view, current);
  const { failure, current: currentMetrics } = measured;
  if (failure === undefined || measured.name !== '') return computed(view, measured, say);
  const why = `the HPA was unable to compute the replica count: ${failure.message}`;
  const { all } = say.and('ScalingActive', ['False', failure.reason, why]);
  return { ...to(current, ''), conditions: all, currentMetrics, failure };
}

/** The size that was computed, as far as behaviour and bounds let it be had. */
function computed(view: View, measured: Measured, say: Conditions): Plan {
  const { autoscaler, scale, memory: before, nowMs } = view;
  const { minReplicas: min = 1, maxReplicas: max = 1, behavior: behaviour } = autoscaler.spec ?? {};
  const current = scale.spec?.replicas ?? 0;
  const { replicas: desired, name, failure } = measured;
  // The size that was found counts as a wish of the past: a new controller does not shrink at once.
  const past = before.recommendations;
  const known = past.length > 0 ? past : [{ value: current, timeMs: nowMs }];
  const recommendations = remembered(known, { value: desired, timeMs: nowMs });
  const memory = { ...before, recommendations };
  const result = limited({ current, desired, min, max, behaviour, nowMs }, memory);
  const found = `the HPA was able to successfully calculate a replica count from ${name}`;
  const { all } = say
    .and('ScalingActive', ['True', 'ValidMetricFound', found])
    .and('AbleToScale', ['True', ...result.able])
    .and('ScalingLimited', result.limited);
  return {
    replicas: result.replicas,
    reason: result.replicas > current ? `${name} above target` : 'All metrics below target',
    conditions: all,
    currentMetrics: measured.current,
    memory,
    ...(failure === undefined ? {} : { failure }),
  };
}

interface Conditions {
  readonly all: readonly Condition[];
  and(type: string, words: Words): Conditions;
}

function conditionsOf({ status }: HorizontalPodAutoscaler, nowMs: number): Conditions {
  const from = (all: readonly Condition[]): Conditions => ({
    all,
    and: (type, [is, reason, message]) =>
      from(withCondition(all, { type, status: is, reason, message }, timestamp(nowMs))),
  });
  return from((status?.conditions ?? []) as readonly Condition[]);
}

/** The metric that asks for most decides; while one cannot be measured nothing shrinks. */
function measure(view: View, replicas: number): Measured {
  const { autoscaler, pods, uses, nowMs } = view;
  const current: Current[] = [];
  let best: { readonly proposal: Proposal; readonly name: string } | undefined;
  let failure: Measured['failure'];
  for (const metric of autoscaler.spec?.metrics ?? []) {
    const reason = failureReason(metric);
    try {
      const wanted = measureOf(metric);
      if (uses instanceof Error) {
        throw new NoMeasure(
          `unable to get metrics for resource ${wanted.resource}: ${uses.message}`,
        );
      }
      const tolerance = tolerancesOf(autoscaler.spec?.behavior);
      const found = proposal(wanted, { pods, uses, replicas, nowMs, tolerance });
      current.push(currentOf(metric, found));
      if (best === undefined || found.replicas > best.proposal.replicas)
        best = { proposal: found, name: nameOf(wanted) };
    } catch (error) {
      if (!(error instanceof NoMeasure)) throw error;
      failure ??= { reason, message: `${whatOf(metric)}: ${error.message}` };
    }
  }
  if (best === undefined || (failure !== undefined && best.proposal.replicas < replicas)) {
    const none = { reason: 'InvalidMetricSourceType', message: 'no metrics are given' };
    return { replicas, name: '', current, failure: failure ?? none };
  }
  const { proposal: chosen, name } = best;
  return {
    replicas: chosen.replicas,
    name,
    current,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** KEP-4951. */
function tolerancesOf({ scaleUp, scaleDown }: NonNullable<Spec['behavior']> = {}) {
  const share = (quantity: string | undefined) =>
    quantity === undefined ? undefined : milliValue(quantity) / 1000;
  return defined({ up: share(scaleUp?.tolerance), down: share(scaleDown?.tolerance) });
}

/** @throws NoMeasure for a metric that nobody here serves */
function measureOf(metric: Metric): Measure {
  const source = metric.resource ?? metric.containerResource;
  if (source === undefined) {
    throw new NoMeasure(
      `no ${metric.type === 'External' ? 'external' : 'custom'} metrics API is served: use cpu or memory`,
    );
  }
  const { averageUtilization, averageValue } = source.target;
  const container = metric.containerResource?.container;
  const base = { resource: source.name, ...(container === undefined ? {} : { container }) };
  if (averageUtilization !== undefined)
    return { ...base, target: { utilization: averageUtilization } };
  return { ...base, target: { averageMillis: milliValue(averageValue ?? '0') } };
}

const failureReason = ({ type }: Metric): string => `FailedGet${type}Metric`;

const whatOf = ({ type, resource, containerResource }: Metric): string => {
  const name = resource?.name ?? containerResource?.name ?? '';
  const what = {
    Resource: `${name} resource utilization`,
    ContainerResource: `${name} container resource utilization`,
  };
  return `failed to get ${(what as Record<string, string>)[type] ?? `${type} metric`}`;
};

function nameOf({ resource, container, target }: Measure): string {
  const what = container === undefined ? `${resource} resource` : `${resource} container resource`;
  return 'utilization' in target ? `${what} utilization (percentage of request)` : what;
}

function currentOf(
  { type, resource, containerResource }: Metric,
  { utilization, averageMillis }: Proposal,
): Current {
  const averageValue = formatQuantity(parseQuantity(`${averageMillis}m`));
  const current = defined({ averageUtilization: utilization, averageValue });
  if (containerResource !== undefined) {
    const { name, container } = containerResource;
    return { type, containerResource: { name, container, current } } as Current;
  }
  return { type, resource: { name: resource?.name ?? '', current } } as Current;
}
