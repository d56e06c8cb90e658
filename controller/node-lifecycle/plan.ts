/** What a node's silence, and its conditions, mean for it: taints, and conditions nobody reports any more. Pure. */
import type { Node, NodeCondition, Taint } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { defined } from '#controller/runtime/write.ts';

/** Agents renew their Lease every 10 s; a node that has not for this long is lost (kube-controller-manager: 50 s). */
export const usualGraceMs = 50_000;

export interface View {
  readonly node: Node;
  /** When we last saw a sign of life, by our own clock. */
  readonly seenMs: number;
  readonly nowMs: number;
  /** So long a node may be silent. */
  readonly graceMs?: number;
}

export interface Plan {
  /** All taints, if they are to change. */
  readonly taints?: readonly Taint[];
  /** All conditions, if they are to change. */
  readonly conditions?: readonly NodeCondition[];
  /** The node is lost: its pods are ready no more. Not only just now: whoever was to see to it may not have ended. */
  readonly podsNotReady: boolean;
  /** When to look again if nothing happens; undefined: it is lost already. */
  readonly againMs?: number;
}

const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

const prefix = 'node.kubernetes.io/';

/** Conditions that keep new pods away while they have this status. */
const noScheduleFor: readonly [type: string, status: string, taint: string][] = [
  ['Ready', 'False', 'not-ready'],
  ['Ready', 'Unknown', 'unreachable'],
  ['MemoryPressure', 'True', 'memory-pressure'],
  ['DiskPressure', 'True', 'disk-pressure'],
  ['PIDPressure', 'True', 'pid-pressure'],
  ['NetworkUnavailable', 'True', 'network-unavailable'],
];

const ours: ReadonlySet<string> = new Set(
  [...noScheduleFor.map(([, , taint]) => taint), 'unschedulable'].map((name) => prefix + name),
);

export function plan({ node, seenMs, nowMs, graceMs = usualGraceMs }: View): Plan {
  const leftMs = seenMs + graceMs - nowMs;
  const lost = leftMs <= 0;
  const held = node.status?.conditions ?? [];
  const conditions = lost ? silent(held, timestamp(nowMs)) : held;
  const taints = taintsOf(node, conditions, timestamp(nowMs));
  return defined({
    taints: sameTaints(node.spec?.taints ?? [], taints) ? undefined : taints,
    conditions: conditions === held ? undefined : conditions,
    podsNotReady: conditionOf(conditions, 'Ready')?.status === 'Unknown',
    againMs: lost ? undefined : leftMs,
  }) as Plan;
}

/** What the agent reported is unknown now, in kubelet's name; the same list if that is said already. */
function silent(held: readonly NodeCondition[], now: string): readonly NodeCondition[] {
  if (reported.every((type) => conditionOf(held, type)?.status === 'Unknown')) return held;
  const others = held.filter(({ type }) => !reported.some((each) => each === type));
  const unknown = reported.map((type): NodeCondition => {
    const before = conditionOf(held, type);
    if (before?.status === 'Unknown') return before;
    const never = before === undefined;
    return {
      type,
      status: 'Unknown',
      reason: never ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message: never ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
      ...(before?.lastHeartbeatTime === undefined
        ? {}
        : { lastHeartbeatTime: before.lastHeartbeatTime }),
      lastTransitionTime: now,
    };
  });
  return [...others, ...unknown];
}

/** The taints that others set, and ours as the conditions want them; a taint that stays keeps its time. */
function taintsOf(node: Node, conditions: readonly NodeCondition[], now: string): Taint[] {
  const held = node.spec?.taints ?? [];
  const wanted: Taint[] = [];
  for (const [type, status, name] of noScheduleFor) {
    if (conditionOf(conditions, type)?.status !== status) continue;
    wanted.push({ key: prefix + name, effect: 'NoSchedule' });
    if (type === 'Ready') wanted.push({ key: prefix + name, effect: 'NoExecute' });
  }
  if (node.spec?.unschedulable === true) {
    wanted.push({ key: `${prefix}unschedulable`, effect: 'NoSchedule' });
  }
  const kept = (taint: Taint) =>
    held.find(({ key, effect }) => key === taint.key && effect === taint.effect);
  const foreign = held.filter(({ key }) => !ours.has(key));
  return [...foreign, ...wanted.map((taint) => kept(taint) ?? { ...taint, timeAdded: now })];
}

const sameTaints = (a: readonly Taint[], b: readonly Taint[]): boolean =>
  a.length === b.length && b.every((taint) => a.includes(taint));
