/** RollingUpdate: old pods go and new ones come within the bounds. Pure. After daemon/update.go. */
import type { DaemonSet, Pod } from '#api/resources/types.ts';
import { revisionLabel } from '#controller/workload/history.ts';
import { isAvailable, isLeaving } from '#controller/workload/pod-state.ts';
import { resolved } from '#controller/workload/share.ts';
import type { Place } from './plan.ts';

export interface Bounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Of as many nodes as want a pod; both round up. OnDelete has no bounds. */
export function boundsOf(set: DaemonSet, places: readonly Place[]): Bounds {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return { maxSurge: 0, maxUnavailable: 0 };
  const wanted = places.filter(({ shouldRun }) => shouldRun).length;
  const maxSurge = resolved(rollingUpdate?.maxSurge ?? 0, wanted, Math.ceil);
  const away = resolved(rollingUpdate?.maxUnavailable ?? 1, wanted, Math.ceil);
  return { maxSurge, maxUnavailable: maxSurge === 0 && away === 0 ? 1 : away };
}

export interface Roll {
  readonly createOn: readonly string[];
  readonly remove: readonly Pod[];
}

/** What is on one node: at most one pod of the new revision and one of an older. */
interface Turn {
  readonly node: string;
  readonly newest: Pod | undefined;
  readonly old: Pod | undefined;
}

function turnsOf(places: readonly Place[], hash: string): Turn[] {
  return places
    .filter(({ shouldRun, pods }) => shouldRun || pods.length > 0)
    .map(({ node, pods }) => {
      const present = pods.filter((pod) => !isLeaving(pod));
      const isNew = (pod: Pod) => pod.metadata.labels?.[revisionLabel] === hash;
      return { node, newest: present.find(isNew), old: present.find((pod) => !isNew(pod)) };
    });
}

export function roll(set: DaemonSet, places: readonly Place[], hash: string, nowMs: number): Roll {
  if (set.spec?.updateStrategy?.type !== 'RollingUpdate') return { createOn: [], remove: [] };
  const bounds = boundsOf(set, places);
  const turns = turnsOf(places, hash);
  const works = (pod: Pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
  return bounds.maxSurge === 0
    ? { createOn: [], remove: replaced(turns, bounds.maxUnavailable, works) }
    : surged(turns, bounds.maxSurge, works);
}

/** Old pods to delete; another comes in their place. One that does not work is missed by nobody. */
function replaced(
  turns: readonly Turn[],
  maxUnavailable: number,
  works: (pod: Pod) => boolean,
): Pod[] {
  let away = 0;
  const [broken, working]: [Pod[], Pod[]] = [[], []];
  for (const { newest, old } of turns) {
    if (newest !== undefined && old === undefined) away += works(newest) ? 0 : 1;
    else if (newest === undefined && old !== undefined) (works(old) ? working : broken).push(old);
    else away += 1;
  }
  return [...broken, ...working.slice(0, Math.max(0, maxUnavailable - away))];
}

/** Nodes to get a second pod; old pods whose successor works, or that do not work themselves, go. */
function surged(turns: readonly Turn[], maxSurge: number, works: (pod: Pod) => boolean): Roll {
  let surging = 0;
  const remove: Pod[] = [];
  const [broken, working]: [string[], string[]] = [[], []];
  for (const { node, newest, old } of turns) {
    if (old === undefined) continue;
    if (newest === undefined) (works(old) ? working : broken).push(node);
    else if (!works(old)) remove.push(old);
    else {
      surging += 1;
      if (works(newest)) remove.push(old);
    }
  }
  const more = working.slice(0, Math.max(0, maxSurge - surging));
  return { createOn: [...broken, ...more], remove };
}
