/** Starts one attempt of one container. */
import { writeFile } from 'node:fs/promises';
import type { Pod } from '#api/resources/types.ts';
import { type ContainerSpec, StartError } from '#node-agent/container/runtime.ts';
import type { StartFacts } from './ahead.ts';
import { PullUnderWay, StartFailure } from './container-image.ts';
import { ConfigError } from './env.ts';
import { handle } from './handlers.ts';
import { startErrorFile } from './paths.ts';
import { containerNamed } from './pod-containers.ts';
import type { PodState } from './pod-state.ts';
import { type Start, specToStart } from './prepare.ts';
import type { World } from './world.ts';

/**
 * Starts the container. What fails is remembered in the state as the reason it waits (or, once the runtime was
 * asked, as an ended attempt) and said in an event; nothing is thrown for it.
 */
export async function startContainer(
  world: World,
  state: PodState,
  pod: Pod,
  action: StartFacts,
): Promise<void> {
  const container = containerNamed(pod, action.container);
  if (container === undefined) return;
  const start = { world, state, pod, container, action };
  try {
    const spec = await specToStart(start);
    state.started(container.name);
    await run(start, spec);
  } catch (error) {
    if (!(error instanceof PullUnderWay)) cannotStart(start, error);
  }
}

function cannotStart({ world, state, pod, container }: Start, error: unknown): void {
  const known = error instanceof StartFailure ? error : undefined;
  const reason =
    known?.reason ??
    (error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError');
  const message = error instanceof Error ? error.message : String(error);
  state.failed(container.name, { reason, message }, world.now());
  const text = known === undefined ? `Error: ${message}` : message;
  world.events.warn(pod, 'Failed', text, container.name);
  if (known === undefined && !(error instanceof ConfigError)) {
    world.log.warn('container not created', {
      uid: state.identity.uid,
      container: container.name,
      error,
    });
  }
}

async function run({ world, state, pod, container, action }: Start, spec: ContainerSpec) {
  const { name } = container;
  try {
    state.apply(await world.runtime.start(spec));
    world.events.note(pod, 'Created', `Container created: ${name}`, name);
    world.events.note(pod, 'Started', `Container started: ${name}`, name);
    afterStart({ world, state, pod, container, action }, spec.id);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const record = world.runtime.get(spec.id);
    if (record === undefined) throw error;
    state.apply(record);
    state.annotate(spec.id, { reason: 'StartError', message: error.message });
    const file = startErrorFile(world.paths, state.identity.uid, action);
    await writeFile(file, error.message).catch(() => undefined);
    world.events.warn(pod, 'Failed', `Error: ${error.message}`, name);
  }
}

/** The postStart hook goes beside the container's entry point; the pod's other work does not wait for it. */
function afterStart({ world, state, pod, container }: Start, id: string): void {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined) return;
  const { name } = container;
  state.health(container, id, pod);
  state.setHealth(name, id, { hooked: true });
  const place = { runtime: world.runtime, container, id, ip: state.ip ?? '' };
  void handle(hook, place, new AbortController().signal)
    .catch((error: unknown) => {
      const message = `PostStartHook failed: ${error instanceof Error ? error.message : error}`;
      world.events.warn(pod, 'FailedPostStartHook', message, name);
      state.setHealth(name, id, { ailment: { message: 'FailedPostStartHook' } });
    })
    .then(() => {
      state.setHealth(name, id, { hooked: false });
      state.wake();
    });
}
