/** Conditions of a status: `metav1.Condition` and its older forms. */

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  observedGeneration?: number;
}

/** The condition of this type, if it is there. */
export const conditionOf = <C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined => conditions?.find((condition) => condition.type === type);

/** Whether the condition is there and `True`. */
export const isTrue = (
  conditions: readonly { type: string; status: string }[] | undefined,
  type: string,
): boolean => conditionOf(conditions, type)?.status === 'True';

/**
 * The conditions with `next` in the place of the one of its type. `lastTransitionTime` is kept while `status` stays.
 * Gives the same list if nothing changes, so that `===` tells whether a write is needed.
 */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  next: Omit<C, 'lastTransitionTime'>,
  now: string,
): readonly C[] {
  const held = conditionOf(conditions, next.type);
  if (held === undefined) return [...(conditions ?? []), { ...next, lastTransitionTime: now } as C];
  const kept = held.status === next.status ? held.lastTransitionTime : now;
  const same =
    held.status === next.status &&
    held.reason === next.reason &&
    held.message === next.message &&
    held.observedGeneration === next.observedGeneration;
  if (same) return conditions ?? [];
  // What was said of the last state is not said of this one.
  const { reason: _, message: __, ...rest } = held;
  const fresh = { ...rest, ...next, lastTransitionTime: kept } as unknown as C;
  return (conditions ?? []).map((condition) => (condition === held ? fresh : condition));
}

/** The conditions without those of this type; the same list if there is none. */
export const withoutCondition = <C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] =>
  conditionOf(conditions, type) === undefined
    ? (conditions ?? [])
    : (conditions ?? []).filter((condition) => condition.type !== type);
