/** What a Container wants done with its one Pod. Pure. */
import { controllerOf } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { openPorts, withHostPorts } from './host-ports.ts';
import { podOf, specHash, specHashAnnotation } from './pod.ts';
import { settingsAnnotation, settingsOf } from './settings.ts';
import { contradiction, type Peer, sharing } from './sharing.ts';
import { containerStatus, hasEnded, type Sync } from './status.ts';
import type { Container, ContainerStatus } from './types.ts';

export interface Plan {
  readonly create?: Pod;
  readonly remove?: Pod;
  /** The container has run and its document goes with it (`autoRemove`). */
  readonly removeSelf?: true;
  /** Nothing that is watched may tell when to look again. */
  readonly againMs?: number;
  readonly status: ContainerStatus;
}

export interface View {
  readonly container: Container;
  /** The Pod of the container's name. */
  readonly pod: Pod | undefined;
  /** The container's last Pod as it was when it went, if we saw it go. */
  readonly gone: Pod | undefined;
  readonly nowMs: number;
  /** Another Container of the same namespace, by its name. */
  readonly peerOf?: (name: string) => Peer;
  /** Whether another has the port of the node. */
  readonly portTaken?: (port: number) => boolean;
}

/** Another's port may have become free. */
const againForPortMs = 10_000;

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

function withoutPod(view: View): Plan {
  const { container, gone, nowMs } = view;
  const { spec, status } = container;
  const last =
    gone === undefined ? container : { ...container, status: lastStatus(container, gone) };
  const rest = containerStatus(last, undefined, synced, nowMs);
  const stopped = spec.state === 'Stopped' || spec.state === 'Created';
  const hasRun = spec.state === 'Stopped' && rest.finishedAt !== undefined;
  if (stopped) return { ...(hasRun ? selfRemoval(spec) : {}), status: rest };
  const ended = rest.endedSpecHash ?? status?.endedSpecHash;
  if (ended === specHash(spec)) return { ...selfRemoval(spec), status: rest };
  const told = (reason: string, message: string): Plan => ({
    status: containerStatus(last, undefined, waiting(reason, message), nowMs),
  });
  const wrong = contradiction(container);
  if (wrong !== undefined) return told('InvalidSettings', wrong);
  const shared = sharedOf(view);
  if (typeof shared === 'string') return told('WaitsForContainer', shared);
  const made = withHostPorts(container, view.portTaken ?? (() => false));
  if (made === undefined) {
    const { first, last: end } = openPorts;
    const message = `spec.ports: each port from ${first} to ${end} is another's`;
    return { ...told('NoFreePort', message), againMs: againForPortMs };
  }
  return { create: podOf(container, shared, made.ports), status: rest };
}

const nobody: Peer = { container: undefined, pod: undefined };
const sharedOf = ({ container, peerOf = () => nobody }: View) => sharing(container, peerOf);

const replacing = waiting('Replacing', 'a container whose namespaces it shares runs anew');

const stopping = waiting('Stopping', 'the container is stopped');

const evicted = waiting(
  'Evicted',
  'its node was short of something: it runs again as soon as it can',
);

/**
 * Why its Pod was deleted by us, if it was: what end that came to is not the container's own. A container that is started again
 * may be seen so before its last Pod was seen to go.
 */
function removal({ status }: Container): Sync | undefined {
  const reason = conditionOf(status?.conditions, 'Synced')?.reason;
  return [replacing, stopping, evicted].find((each) => each.reason === reason);
}

const withoutEnd = ({ endedSpecHash: _, ...status }: ContainerStatus): ContainerStatus => status;

/** Whose namespaces it has runs anew, in others: it does, too, or it would be alone in what is left of them. */
function hasOldNamespaces(view: View, pod: Pod): boolean {
  const shared = sharedOf(view);
  if (shared === undefined || typeof shared === 'string' || hasEnded(pod)) return false;
  const wanted = settingsOf(view.container.spec, shared.joined)[settingsAnnotation];
  return pod.metadata.annotations?.[settingsAnnotation] !== wanted;
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
    ...(removal(container) === undefined ? seen : withoutEnd(seen)),
    ...(endedSpecHash === undefined ? {} : { endedSpecHash }),
  };
}

function withPod(view: View, pod: Pod): Plan {
  const { container, nowMs } = view;
  const { spec } = container;
  const leaving = pod.metadata.deletionTimestamp !== undefined;
  const remove = leaving ? {} : { remove: pod };
  const told = (sync: Sync) => containerStatus(container, pod, sync, nowMs);
  if (spec.state === 'Stopped' || spec.state === 'Created') {
    const { endedSpecHash: _, ...status } = told(stopping);
    return { ...remove, status };
  }
  if (pod.metadata.annotations?.[specHashAnnotation] !== specHash(spec)) {
    return { ...remove, status: told(waiting('Replacing', 'the spec has changed')) };
  }
  if (hasOldNamespaces(view, pod)) {
    return { ...remove, status: told(replacing) };
  }
  if (!leaving && isToReturn(container, pod))
    return { ...remove, status: withoutEnd(told(evicted)) };
  if (leaving) {
    const final = container.status?.endedSpecHash === specHash(spec);
    const ours = removal(container);
    if (ours !== undefined) return { status: withoutEnd(told(ours)) };
    const status = told(waiting('PodLeaving', 'the Pod is being deleted'));
    return { status: final ? { ...status, endedSpecHash: specHash(spec) } : status };
  }
  if (hasEnded(pod) && spec.autoRemove === true) {
    return { removeSelf: true, status: told(synced) };
  }
  const status = told(synced);
  if (!isExhausted(spec, status)) return { status };
  return { remove: pod, status: { ...status, phase: 'exited', endedSpecHash: specHash(spec) } };
}

/** The node sent it away: one that is kept up comes back when the scheduler finds room. */
function isToReturn({ spec: { restartPolicy = 'no' } }: Container, pod: Pod): boolean {
  return hasEnded(pod) && pod.status?.reason === 'Evicted' && restartPolicy !== 'no';
}

/** `on-failure` with a limit: the last allowed restart has failed too. */
function isExhausted(spec: Container['spec'], { phase, restartCount = 0 }: ContainerStatus) {
  const { restartPolicy, maximumRetryCount = 0 } = spec;
  if (restartPolicy !== 'on-failure' || maximumRetryCount === 0) return false;
  return phase === 'restarting' && restartCount >= maximumRetryCount;
}
