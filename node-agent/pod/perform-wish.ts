/** Makes a running container what its document wants of it now. */
import type { Pod } from '#api/resources/types.ts';
import type { Action } from './plan.ts';
import type { PodState } from './pod-state.ts';
import { limitsToChange } from './wishes.ts';
import type { World } from './world.ts';

/** After a freeze that failed: not before this long. */
const retryMs = 2_000;

/** Freezes or thaws. What fails is told and tried again later. */
export async function setPaused(
  world: World,
  state: PodState,
  pod: Pod | undefined,
  { container, type }: Extract<Action, { type: 'pause' | 'resume' }>,
): Promise<void> {
  const attempt = state.alive(container);
  if (attempt === undefined) return;
  try {
    await world.runtime[type](attempt.id);
    const record = world.runtime.get(attempt.id);
    if (record !== undefined) state.apply(record);
  } catch (error) {
    if (world.runtime.get(attempt.id)?.state.phase !== 'running') return;
    const message = `${type} container ${container}: ${(error as Error).message}`;
    if (pod !== undefined) world.events.warn(pod, 'Failed', message, container);
    state.holdWish(world.now() + retryMs);
    const timer = setTimeout(() => state.wake(), retryMs);
    timer.unref();
  }
}

/** New limits. What the kernel refuses is told in the status and not asked again until the document says something else. */
export async function limit(
  world: World,
  state: PodState,
  pod: Pod | undefined,
  { container, asked }: Extract<Action, { type: 'limit' }>,
): Promise<void> {
  const attempt = state.alive(container);
  const { wish } = state;
  if (attempt === undefined || wish === undefined || wish === 'unknown') return;
  const present = world.runtime.get(attempt.id)?.spec.resources ?? {};
  const change = limitsToChange(wish.limits, present);
  let problem: string | undefined;
  try {
    if (change !== undefined) {
      // One container: its own limits are the Pod's.
      const cpu = change.cpu === undefined ? {} : { cpu: { quota: -1 } };
      const memory = change.memory === undefined ? {} : { memory: { limit: -1 } };
      if (state.sandboxId !== undefined && (change.cpu ?? change.memory) !== undefined) {
        await world.runtime.updateSandbox(state.sandboxId, { ...cpu, ...memory });
      }
      await world.runtime.update(attempt.id, change);
    }
  } catch (error) {
    problem = (error as Error).message;
    const message = `Limits of container ${container} not changed: ${problem}`;
    if (pod !== undefined) world.events.warn(pod, 'FailedUpdate', message, container);
  }
  state.limited = {
    asked,
    generation: wish.generation,
    ...(problem === undefined ? {} : { problem }),
  };
}
