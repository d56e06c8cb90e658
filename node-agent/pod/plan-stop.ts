/** Stops containers with a deadline, after which they are killed. Pure. */
import type { Action, Plan } from './plan.ts';
import { containerView, type PodView } from './view.ts';

export function stopAll(view: PodView, names: readonly string[], graceMs: number): Plan {
  const actions: Action[] = [];
  let wakeAt: number | undefined;
  for (const container of names) {
    const { stopping } = containerView(view, container);
    // A second delete may shorten the grace; it never lengthens it.
    if (stopping === undefined || stopping.deadline > view.now + graceMs) {
      actions.push({ type: 'stop', container, graceMs });
      wakeAt = earliest(wakeAt, view.now + graceMs);
      continue;
    }
    if (stopping.killed) continue;
    if (stopping.deadline <= view.now) actions.push({ type: 'kill', container });
    else wakeAt = earliest(wakeAt, stopping.deadline);
  }
  return wakeAt === undefined ? { actions } : { actions, wakeAt };
}

export const earliest = (a: number | undefined, b: number): number =>
  a === undefined ? b : Math.min(a, b);
