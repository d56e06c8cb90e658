/** Takes everything off the node, so that the machine is as it was before the cluster: what `bay down` asks for. */

import type { PodController } from './pod-controller.ts';
import type { PodState } from './pod-state.ts';
import { stopContainer } from './stop.ts';
import { tearDown } from './take-down.ts';
import type { World } from './world.ts';

/** How long containers may take to end by themselves. */
const graceMs = 3_000;

/**
 * Stops all containers side by side, then takes sandboxes, networks and volumes away. Writable layers and logs stay:
 * the pods are still in the API and are started again with the next start of the node. The agent does no other work
 * from here on. Resolves when all is done; what could not be removed is logged.
 */
export async function drain(world: World, pods: PodController): Promise<void> {
  const states = pods.drain();
  await endAll(world, states, (state, container) =>
    stopContainer(world, state, undefined, { container, graceMs }),
  );
  await Promise.all(states.map((state) => clear(world, state)));
}

/** Asks all living containers to end, waits, then makes them. */
async function endAll(
  world: World,
  states: readonly PodState[],
  stop: (state: PodState, container: string) => Promise<void>,
): Promise<void> {
  const all = () =>
    states.flatMap((state) =>
      state
        .allAttempts()
        .filter(({ id }) => isRunning(world, id))
        .map(({ id, container }) => ({ state, id, container })),
    );
  const none = () => all().length === 0;
  const each = async (work: (one: ReturnType<typeof all>[number]) => Promise<void>) => {
    await Promise.all(
      all().map((one) => work(one).catch((error) => complain(world, one.id, error))),
    );
  };
  await each(({ state, container }) => stop(state, container));
  await until(world, none, graceMs);
  await each(({ id }) => world.runtime.kill(id));
  await until(world, none, graceMs);
}

const isRunning = (world: World, id: string): boolean =>
  world.runtime.get(id)?.state.phase === 'running';

const complain = (world: World, id: string, error: unknown): void =>
  world.log.warn('not drained', { id, error });

/** Resolves when `done` holds, at the latest after `ms`; looks again at every change of a container. */
function until(world: World, done: () => boolean, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      changes.unsubscribe();
      resolve();
    };
    const timer = setTimeout(finish, ms);
    const changes = world.runtime.changes.subscribe(() => {
      // The runtime tells of a change before or after its own record shows it.
      setImmediate(() => done() && finish());
    });
    if (done()) finish();
  });
}

async function clear(world: World, state: PodState): Promise<void> {
  try {
    await tearDown(world, state);
    for (const { id } of state.allAttempts()) {
      if (world.runtime.get(id) !== undefined) await world.runtime.remove(id);
    }
  } catch (error) {
    complain(world, state.identity.uid, error);
  }
}
