/** Carries out a plan's actions: the only place where the pod side changes the world. */
import type { Pod } from '#api/resources/types.ts';
import { limit, setPaused } from './perform-wish.ts';
import type { Action } from './plan.ts';
import type { PodState } from './pod-state.ts';
import { prepareContainer } from './prepare.ts';
import { resizeContainers } from './resize.ts';
import { setUp } from './set-up.ts';
import { startContainer } from './start.ts';
import { killContainer, stopContainer } from './stop.ts';
import { deletePod, erase, forgetAttempt, tearDown } from './take-down.ts';
import type { World } from './world.ts';

/** Actions that may go side by side; the others wait for those before them. */
const together = new Set<Action['type']>(['start', 'prepare', 'stop', 'kill', 'forget']);

/** Performs all actions in order, containers of one plan at the same time. Rejects with the first failure. */
export async function perform(
  world: World,
  state: PodState,
  pod: Pod | undefined,
  actions: readonly Action[],
): Promise<void> {
  const parallel = actions.filter(({ type }) => together.has(type));
  await Promise.all(parallel.map((action) => one(world, state, pod, action)));
  for (const action of actions) {
    if (!together.has(action.type)) await one(world, state, pod, action);
  }
}

async function one(
  world: World,
  state: PodState,
  pod: Pod | undefined,
  action: Action,
): Promise<void> {
  switch (action.type) {
    case 'stop':
      return stopContainer(world, state, pod, action);
    case 'kill':
      return killContainer(world, state, action.container);
    case 'pause':
    case 'resume':
      return setPaused(world, state, pod, action);
    case 'limit':
      return limit(world, state, pod, action);
    case 'resize':
      return pod === undefined ? undefined : resizeContainers(world, state, pod, action);
    case 'forget':
      return forgetAttempt(world, state, action);
    case 'tear-down':
      return tearDown(world, state);
    case 'erase':
      return erase(world, state);
    case 'set-up':
      return pod === undefined ? undefined : setUp(world, state, pod);
    case 'start':
      return pod === undefined ? undefined : startContainer(world, state, pod, action);
    case 'prepare':
      return pod === undefined ? undefined : prepareContainer(world, state, pod, action);
    case 'delete-pod':
      return deletePod(world, state);
  }
}
