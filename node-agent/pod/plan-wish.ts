/** What of a running container is not as its Container document wants it now. Pure. */
import type { Action } from './plan.ts';
import { isEphemeral } from './pod-containers.ts';
import { latest, type PodView } from './view.ts';

/**
 * Freezes, thaws, and gives new limits. What an operation holds still stays so; a frozen container that no document wants
 * frozen was left so by an agent that was killed over an operation.
 */
export function wishActions(view: PodView): Action[] {
  if (view.held === true || view.wish === 'unknown') return [];
  const wanted = view.wish;
  const actions: Action[] = [];
  for (const [container, known] of view.containers) {
    const attempt = latest(known);
    if (attempt?.state.phase !== 'running' || known.stopping !== undefined) continue;
    if (isEphemeral(view.pod, container)) continue;
    const paused = attempt.state.paused === true;
    const asked = `${attempt.id} ${wanted?.generation}`;
    if (wanted !== undefined && view.limited !== asked) {
      actions.push({ type: 'limit', container, asked });
    }
    if (paused !== (wanted?.paused === true)) {
      actions.push({ type: paused ? 'resume' : 'pause', container });
    }
  }
  return actions;
}
