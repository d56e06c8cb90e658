/** A pod's containers of all three kinds, and what makes the ephemeral ones different. Pure. */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { JoinedContainers } from '#node-agent/container/runtime.ts';
import { ConfigError } from './env.ts';
import { keeperOf } from './kept-containers.ts';
import type { Attempt } from './view.ts';

/** The pod's container of that name, of whichever kind: names are unique among all. */
export function containerNamed({ spec }: Pod, name: string): PodContainer | undefined {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec ?? {};
  return [...initContainers, ...containers, ...ephemeralContainers].find(
    (container) => container.name === name,
  );
}

const ephemeralNamed = (pod: Pod, name: string) =>
  pod.spec?.ephemeralContainers?.find((container) => container.name === name);

/** Whether it was added to the pod while it ran (`kubectl debug`). */
export const isEphemeral = (pod: Pod | undefined, name: string): boolean =>
  pod !== undefined && ephemeralNamed(pod, name) !== undefined;

/**
 * The pod as a container of that name sees it. What a Container's document says of its process and keeps for it (its
 * layer, its settings) is not for an ephemeral container beside it.
 */
export function podSeenBy(pod: Pod, name: string): Pod {
  if (keeperOf(pod) === undefined || !isEphemeral(pod, name)) return pod;
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [] } };
}

/**
 * `joined`, and the process namespace of the container that an ephemeral one aims at, unless all of the pod have the same.
 * @throws ConfigError while that one does not run
 */
export function withTarget(
  joined: JoinedContainers | undefined,
  pod: Pod,
  name: string,
  alive: (container: string) => Attempt | undefined,
): JoinedContainers | undefined {
  const target = ephemeralNamed(pod, name)?.targetContainerName ?? '';
  const isShared = pod.spec?.shareProcessNamespace === true || pod.spec?.hostPID === true;
  if (target === '' || isShared) return joined;
  const attempt = alive(target);
  if (attempt?.state.phase === 'running') return { ...joined, pid: attempt.id };
  throw new ConfigError(
    `unable to find target container "${target}": container ${name} is to join its process namespace, and it does not run; it is tried again`,
  );
}
