/** Starts one attempt of one container. */
import { chmodSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { type ContainerSpec, StartError } from '#node-agent/container/runtime.ts';
import { PullUnderWay, StartFailure } from './container-image.ts';
import { containerSpec } from './container-spec.ts';
import { ConfigError, envReferences, podEnv } from './env.ts';
import { layGroundwork } from './groundwork.ts';
import { handle } from './handlers.ts';
import { keep } from './keeping.ts';
import { containerLabels } from './labels.ts';
import { containerMounts } from './mounts.ts';
import { logFile, seccompDir, startErrorFile, terminationLog } from './paths.ts';
import type { Action } from './plan.ts';
import { podHostname } from './pod-files.ts';
import type { PodState } from './pod-state.ts';
import { newId } from './set-up.ts';
import type { World } from './world.ts';

export type StartAction = Extract<Action, { type: 'start' }>;

interface Start {
  readonly world: World;
  readonly state: PodState;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly action: StartAction;
}

/**
 * Starts the container. What fails is remembered in the state as the reason it waits (or, once the runtime was
 * asked, as an ended attempt) and said in an event; nothing is thrown for it.
 */
export async function startContainer(
  world: World,
  state: PodState,
  pod: Pod,
  action: StartAction,
): Promise<void> {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const container = containers.find(({ name }) => name === action.container);
  if (container === undefined) return;
  const start = { world, state, pod, container, action };
  try {
    const spec = await prepare(start);
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

/** Everything before the runtime is asked. */
async function prepare(start: Start): Promise<ContainerSpec> {
  const { world, state, pod, container, action } = start;
  const { paths, node } = world;
  const { uid } = state.identity;
  const laid = state.takeGroundwork(container.name) ?? layGroundwork(world, state, pod, container);
  const [{ image, isPulled, layers, user }, env] = await Promise.all([laid, environmentOf(start)]);
  provideTerminationLog(terminationLog(paths, uid, action));
  const id = newId();
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
  });
  if (!isPulled) world.events.note(pod, 'Pulled', present(container), container.name);
  return containerSpec({
    id,
    sandboxId: state.sandboxId ?? '',
    pod,
    container,
    image: image.config,
    user,
    env,
    hostname: podHostname(pod, node.hostname),
    ...kept,
    logPath: logFile(paths, state.identity, action),
    labels: containerLabels(state.identity, {
      ...action,
      imageId: image.id,
      stopSignal: image.config.stopSignal ?? 'SIGTERM',
    }),
    memoryCapacityBytes: node.capacity.memoryBytes,
    seccompDir: seccompDir(paths),
  });
}

/** World-writable whatever the umask: the container's user, whoever it is, leaves its last words here. */
function provideTerminationLog(path: string): void {
  writeFileSync(path, '');
  chmodSync(path, 0o666);
}

const present = ({ image }: PodContainer): string =>
  `Container image "${image}" already present on machine`;

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
