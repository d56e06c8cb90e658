/** How fast, and how often, a size may change. Pure. After pkg/controller/podautoscaler/horizontal.go. */
import type { HorizontalPodAutoscaler } from '#api/resources/types.ts';

type Behaviour = NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['behavior']>;
export type Rules = NonNullable<Behaviour['scaleUp']>;
type Policy = NonNullable<Rules['policies']>[number];

/** A size that was computed, or a change that was made, and when. */
export interface Past {
  readonly value: number;
  readonly timeMs: number;
}

/** What is remembered of one autoscaler; lost with the process, as in Kubernetes. */
export interface Memory {
  readonly recommendations: readonly Past[];
  readonly ups: readonly Past[];
  readonly downs: readonly Past[];
}

export interface Limited {
  readonly replicas: number;
  /** Of the condition AbleToScale. */
  readonly able: readonly [reason: string, message: string];
  /** Of the condition ScalingLimited: whether it is, and why. */
  readonly limited: readonly [status: 'True' | 'False', reason: string, message: string];
}

const percent = (value: number): Policy => ({ type: 'Percent', value, periodSeconds: 15 });
const usualUp: readonly Policy[] = [{ type: 'Pods', value: 4, periodSeconds: 15 }, percent(100)];
const usualDown: readonly Policy[] = [percent(100)];

export interface Wish {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly behaviour: Behaviour | undefined;
  readonly nowMs: number;
}

/** The size that recent wishes, rates and bounds leave of what is desired. `memory` has the wish itself already. */
export function limited(wish: Wish, memory: Memory): Limited {
  const { desired, behaviour } = wish;
  const up = { stabilizationWindowSeconds: 0, ...behaviour?.scaleUp };
  const down = { stabilizationWindowSeconds: 300, ...behaviour?.scaleDown };
  const steady = stabilised(wish, memory, up, down);
  const able =
    steady === desired
      ? (['ReadyForNewScale', 'recommended size matches current size'] as const)
      : desired < steady
        ? ([
            'ScaleDownStabilized',
            'recent recommendations were higher than current one, applying the highest recent recommendation',
          ] as const)
        : ([
            'ScaleUpStabilized',
            'recent recommendations were lower than current one, applying the lowest recent recommendation',
          ] as const);
  return { able, ...bounded(wish, steady, memory, { up, down }) };
}

/** No higher than the lowest wish of the window for growing, no lower than the highest of that for shrinking. */
function stabilised({ current, desired, nowMs }: Wish, memory: Memory, up: Rules, down: Rules) {
  let [lowest, highest] = [desired, desired];
  for (const { value, timeMs } of memory.recommendations) {
    const age = nowMs - timeMs;
    if (age < (up.stabilizationWindowSeconds ?? 0) * 1_000) lowest = Math.min(lowest, value);
    if (age < (down.stabilizationWindowSeconds ?? 300) * 1_000) highest = Math.max(highest, value);
  }
  if (current < lowest) return lowest;
  return current > highest ? highest : current;
}

function bounded(
  wish: Wish,
  steady: number,
  memory: Memory,
  { up, down }: { readonly up: Rules; readonly down: Rules },
): Pick<Limited, 'replicas' | 'limited'> {
  const { current, min, max } = wish;
  if (steady > current) {
    const rate = Math.max(current, rateLimit(wish, memory, up, usualUp, 1));
    const most = Math.min(rate, max);
    if (steady > most) {
      return most === max
        ? over(
            max,
            'TooManyReplicas',
            'the desired replica count is more than the maximum replica count',
          )
        : over(
            most,
            'ScaleUpLimit',
            'the desired replica count is increasing faster than the maximum scale rate',
          );
    }
  } else if (steady < current) {
    const rate = Math.min(current, rateLimit(wish, memory, down, usualDown, -1));
    const least = Math.max(rate, min);
    if (steady < least) {
      return least === min
        ? over(
            min,
            'TooFewReplicas',
            'the desired replica count is less than the minimum replica count',
          )
        : over(
            least,
            'ScaleDownLimit',
            'the desired replica count is decreasing faster than the maximum scale rate',
          );
    }
  }
  const within = 'the desired count is within the acceptable range';
  return { replicas: steady, limited: ['False', 'DesiredWithinRange', within] };
}

const over = (replicas: number, reason: string, message: string) =>
  ({ replicas, limited: ['True', reason, message] }) as const;

/** The size that the policies allow: of several the one that allows most, or least. */
function rateLimit(
  { current, nowMs }: Wish,
  { ups, downs }: Memory,
  rules: Rules,
  usual: readonly Policy[],
  sign: 1 | -1,
): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const sum = (events: readonly Past[], seconds: number) =>
    events
      .filter(({ timeMs }) => nowMs - timeMs < seconds * 1_000)
      .reduce((total, { value }) => total + value, 0);
  const limits = (rules.policies ?? usual).map(({ type, value, periodSeconds }) => {
    const start = current - sum(ups, periodSeconds) + sum(downs, periodSeconds);
    if (type === 'Pods') return start + sign * value;
    const changed = start * (1 + (sign * value) / 100);
    return sign > 0 ? Math.ceil(changed) : Math.floor(changed);
  });
  const furthest = (rules.selectPolicy ?? 'Max') === 'Max' ? sign : -sign;
  return furthest > 0 ? Math.max(...limits) : Math.min(...limits);
}

/** Windows and periods are at most this long (validation: an hour, half an hour). */
const longestMs = 3_600_000;

/** What is still of interest, with what is new. */
export const remembered = (past: readonly Past[], next: Past): readonly Past[] => [
  ...past.filter(({ timeMs }) => next.timeMs - timeMs < longestMs),
  next,
];
