/** What is to be done for a resize of the pod that fits. Pure. */
import type { Action } from './plan.ts';
import type { PodView } from './view.ts';

/** New limits for what runs; after a refusal only once its time has come (`wakeAt`). */
export function resizeActions({ resize, now }: PodView): {
  readonly actions: readonly Action[];
  readonly wakeAt?: number;
} {
  if (resize === undefined || (resize.update.length === 0 && !resize.sandbox)) {
    return { actions: [] };
  }
  const retryAt = resize.problem?.retryAt ?? 0;
  if (retryAt > now) return { actions: [], wakeAt: retryAt };
  return { actions: [{ type: 'resize', containers: resize.update }] };
}
