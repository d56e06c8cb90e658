/** What one attempt of one container is made of; made beforehand where it may not run yet. */
import { chmodSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import type { StartFacts } from './ahead.ts';
import { isImageHere } from './container-image.ts';
import { containerSpec } from './container-spec.ts';
import { envReferences, podEnv } from './env.ts';
import { layGroundwork } from './groundwork.ts';
import { provideImageVolumes } from './image-volumes.ts';
import { joinedContainers } from './joining.ts';
import { checkKeeper, keep } from './keeping.ts';
import { containerLabels } from './labels.ts';
import { containerMounts } from './mounts.ts';
import { layerDir, logFile, seccompDir, terminationLog } from './paths.ts';
import { containerNamed, podSeenBy, withTarget } from './pod-containers.ts';
import { podHostname } from './pod-files.ts';
import type { PodState } from './pod-state.ts';
import { newId } from './set-up.ts';
import type { World } from './world.ts';

export interface Start {
  readonly world: World;
  readonly state: PodState;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly action: StartFacts;
}

/**
 * Everything before the runtime is asked: what it is to start, which is what stands ready if that is still right.
 * @throws PullUnderWay, StartFailure, ConfigError
 */
export async function specToStart(start: Start): Promise<ContainerSpec> {
  const { state, container, action } = start;
  const ready = state.ahead.find(container.name, action.attempt);
  const found = await specOf(start, ready?.spec.id ?? newId());
  state.ahead.forget(container.name);
  if (!found.isPulled)
    start.world.events.note(start.pod, 'Pulled', present(container), container.name);
  if (ready === undefined || isDeepStrictEqual(found.spec, ready.spec)) return found.spec;
  await undo(start, ready.spec);
  return (await specOf(start, newId())).spec;
}

const present = ({ image }: PodContainer): string =>
  `Container image "${image}" already present on machine`;

/** Makes the container now for a start that comes later. What goes wrong the start itself will tell. */
export async function prepareContainer(
  world: World,
  state: PodState,
  pod: Pod,
  action: StartFacts,
): Promise<void> {
  const container = containerNamed(pod, action.container);
  if (container === undefined) return;
  const { attempt } = action;
  state.ahead.begin(container.name, attempt);
  const start = { world, state, pod, container, action };
  try {
    if (!(await isImageHere(world, container))) return;
    const { spec } = await specOf(start, newId());
    try {
      await world.runtime.prepare(spec);
      state.ahead.keep(container.name, { attempt, spec });
    } catch (error) {
      await undo(start, spec);
      throw error;
    }
  } catch (error) {
    const { uid } = state.identity;
    world.log.debug('container not made beforehand', { uid, container: container.name, error });
  }
}

async function undo({ world, state }: Start, { id }: ContainerSpec): Promise<void> {
  await world.runtime.remove(id);
  await world.runtime.removeLayer(layerDir(world.paths, state.identity.uid, id));
}

/** `isPulled`: its image was pulled for this very start. */
async function specOf(
  start: Start,
  id: string,
): Promise<{ readonly spec: ContainerSpec; readonly isPulled: boolean }> {
  const { world, state, container, action } = start;
  const pod = podSeenBy(start.pod, container.name);
  const { paths, node } = world;
  const { uid } = state.identity;
  await provideImageVolumes(world, state, pod, container);
  const laid = state.takeGroundwork(container.name) ?? layGroundwork(world, state, pod, container);
  const [{ image, isPulled, layers, user }, env] = await Promise.all([
    laid,
    environmentOf(start),
    checkKeeper(world, pod),
  ]);
  provideTerminationLog(terminationLog(paths, uid, action));
  const facts = { pod, container, attempt: action.attempt, paths, volumes: state.volumes, env };
  const named = await containerMounts(facts);
  const { name } = container;
  const kept = await keep({
    world,
    pod,
    container: name,
    id,
    laid: { image, layers },
    mounts: named,
    reference: container.image,
  });
  const joins = withTarget(joinedContainers(world, start.pod), pod, name, (one) =>
    state.alive(one),
  );
  const spec = containerSpec({
    id,
    sandboxId: state.sandboxId ?? '',
    pod,
    container,
    image: image.config,
    user,
    env,
    hostname: podHostname(pod, node.hostname),
    ...kept,
    ...(joins === undefined ? {} : { joins }),
    logPath: logFile(paths, state.identity, action),
    labels: containerLabels(state.identity, {
      ...action,
      imageId: image.id,
      stopSignal: container.lifecycle?.stopSignal ?? image.config.stopSignal ?? 'SIGTERM',
    }),
    memoryCapacityBytes: node.capacity.memoryBytes,
    seccompDir: seccompDir(paths),
  });
  return { spec, isPulled };
}

/** World-writable whatever the umask: the container's user, whoever it is, leaves its last words here. */
function provideTerminationLog(path: string): void {
  writeFileSync(path, '');
  chmodSync(path, 0o666);
}

async function environmentOf(start: Start): Promise<ReadonlyMap<string, string>> {
  const { world, state, pod, container } = start;
  const namespace = pod.metadata.namespace ?? '';
  const names = envReferences(container);
  const read = async <T>(
    source: { read: (key: string) => Promise<T | undefined> },
    wanted: ReadonlySet<string>,
  ): Promise<Map<string, T>> => {
    const found = new Map<string, T>();
    const get = async (name: string) => {
      const object = await source.read(`${namespace}/${name}`);
      if (object !== undefined) found.set(name, object);
    };
    await Promise.all([...wanted].map(get));
    return found;
  };
  const [configMaps, secrets, services] = await Promise.all([
    read(world.configMaps, names.configMaps),
    read(world.secrets, names.secrets),
    world.servicesFor(namespace),
  ]);
  return podEnv(container, {
    pod,
    ...(state.ip === undefined ? {} : { podIP: state.ip }),
    hostIP: world.node.hostIPs[0] ?? '',
    sources: { configMaps, secrets },
    services,
    allocatable: world.node.capacity,
  });
}
