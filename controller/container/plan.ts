/** What a Container wants done with its one Pod. Pure. */
import { controllerOf } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import { podOf, specHash, specHashAnnotation } from './pod.ts';
import { containerStatus, hasEnded, type Sync } from './status.ts';
import type { Container, ContainerStatus } from './types.ts';

export interface Plan {
  readonly create?: Pod;
  readonly remove?: Pod;
  /** The container has run and its document goes with it (`autoRemove`). */
  readonly removeSelf?: true;
  readonly status: ContainerStatus;
}

export interface View {
  readonly container: Container;
  /** The Pod of the container's name. */
  readonly pod: Pod | undefined;
  /** The container's last Pod as it was when it went, if we saw it go. */
  readonly gone: Pod | undefined;
  readonly nowMs: number;
}

const synced: Sync = { status: 'True', reason: 'Synced', message: '' };
const waiting = (reason: string, message: string): Sync => ({ status: 'False', reason, message });

export function plan(view: View): Plan {
  const { container, pod, nowMs } = view;
  if (pod !== undefined && controllerOf(pod)?.uid !== container.metadata.uid) {
    const message = `a Pod "${pod.metadata.name}" that is not this container's has its name`;
    return { status: containerStatus(container, undefined, waiting('NameTaken', message), nowMs) };
  }
  if (container.metadata.deletionTimestamp !== undefined) {
    return { status: containerStatus(container, pod, synced, nowMs) };
  }
  return pod === undefined ? withoutPod(view) : withPod(view, pod);
}

/** What the spec asks for and cannot be had; running without it would be another container. */
function unsupported({ state }: Container['spec']): string | undefined {
  return state === 'Paused' ? 'state Paused is not supported; the container runs' : undefined;
}

function syncOf({ spec }: Container): Sync {
  const why = unsupported(spec);
  if (why !== undefined) return waiting('NotSupported', why);
  return synced;
}

function withoutPod({ container, gone, nowMs }: View): Plan {
  const { spec, status } = container;
  const sync = syncOf(container);
  const last =
    gone === undefined ? container : { ...container, status: lastStatus(container, gone) };
  const rest = containerStatus(last, undefined, sync, nowMs);
  const stopped = spec.state === 'Stopped' || spec.state === 'Created';
  const impossible = sync.reason === 'NotSupported' && spec.state !== 'Paused';
  if (stopped || impossible) return { status: rest };
  const ended = rest.endedSpecHash ?? status?.endedSpecHash;
  if (ended === specHash(spec)) return { ...selfRemoval(spec), status: rest };
  return { create: podOf(container), status: rest };
}

/** Docker's `--rm` of a container that has ended. */
const selfRemoval = ({ autoRemove }: Container['spec']): { removeSelf?: true } =>
  autoRemove === true ? { removeSelf: true } : {};

/** The Pod was deleted by somebody: the end it came to is the container's. */
function lastStatus(container: Container, gone: Pod): ContainerStatus {
  const seen = containerStatus(container, gone, synced, 0);
  const { endedSpecHash } = container.status ?? {};
  return {
    ...container.status,
    ...seen,
    ...(endedSpecHash === undefined ? {} : { endedSpecHash }),
  };
}

function withPod({ container, nowMs }: View, pod: Pod): Plan {
  const { spec } = container;
  const leaving = pod.metadata.deletionTimestamp !== undefined;
  const remove = leaving ? {} : { remove: pod };
  const told = (sync: Sync) => containerStatus(container, pod, sync, nowMs);
  if (spec.state === 'Stopped' || spec.state === 'Created') {
    const { endedSpecHash: _, ...status } = told(waiting('Stopping', 'the container is stopped'));
    return { ...remove, status };
  }
  if (pod.metadata.annotations?.[specHashAnnotation] !== specHash(spec)) {
    return { ...remove, status: told(waiting('Replacing', 'the spec has changed')) };
  }
  if (leaving) {
    const final = container.status?.endedSpecHash === specHash(spec);
    const status = told(waiting('PodLeaving', 'the Pod is being deleted'));
    return { status: final ? { ...status, endedSpecHash: specHash(spec) } : status };
  }
  if (hasEnded(pod) && spec.autoRemove === true) {
    return { removeSelf: true, status: told(synced) };
  }
  const status = told(syncOf(container));
  if (!isExhausted(spec, status)) return { status };
  return { remove: pod, status: { ...status, phase: 'exited', endedSpecHash: specHash(spec) } };
}

/** `on-failure` with a limit: the last allowed restart has failed too. */
function isExhausted(spec: Container['spec'], { phase, restartCount = 0 }: ContainerStatus) {
  const { restartPolicy, maximumRetryCount = 0 } = spec;
  if (restartPolicy !== 'on-failure' || maximumRetryCount === 0) return false;
  return phase === 'restarting' && restartCount >= maximumRetryCount;
}
