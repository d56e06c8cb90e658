/** A Container's status, from its Pod. Pure. */
import { createHash } from 'node:crypto';
import type {
  ContainerState,
  Pod,
  ContainerStatus as PodContainerStatus,
} from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, conditionOf, withCondition } from '#controller/runtime/conditions.ts';
import { defined } from '#controller/runtime/write.ts';
import { specHashAnnotation } from './pod.ts';
import type { Container, ContainerPort, ContainerStatus, Phase } from './types.ts';

/** How far the Pod is what the spec says; the condition `Synced`. */
export interface Sync {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** 64 hexadecimal digits, as Docker has them: the same as long as the document lives, whatever Pods come and go. */
export const containerId = ({ metadata }: Container): string =>
  createHash('sha256')
    .update(metadata.uid ?? '')
    .digest('hex');

export const hasEnded = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** As the node says it of the Pod (node-agent/pod/status-wish.ts). */
const pausedCondition = 'bayplan.dev/Paused';
const limitedCondition = 'bayplan.dev/Limited';
const healthCondition = 'bayplan.dev/Health';

const mainStatus = (pod: Pod): PodContainerStatus | undefined => pod.status?.containerStatuses?.[0];

type Terminated = NonNullable<ContainerState['terminated']>;

/** The run that ended last. */
function lastEnd(main: PodContainerStatus | undefined): Terminated | undefined {
  return main?.state?.terminated ?? main?.lastState?.terminated;
}

function phaseOf(pod: Pod, policy: string): Phase {
  const main = mainStatus(pod);
  if (main?.state?.running !== undefined) {
    const paused = conditionOf(pod.status?.conditions, pausedCondition);
    return paused?.status === 'True' ? 'paused' : 'running';
  }
  if (main?.state?.terminated !== undefined) return hasEnded(pod) ? 'exited' : ended(pod, policy);
  // Failed without a container: evicted, or its node is lost.
  if (hasEnded(pod)) return 'dead';
  return lastEnd(main) === undefined ? 'created' : 'restarting';
}

const ended = (pod: Pod, policy: string): Phase =>
  policy === 'no' || pod.metadata.deletionTimestamp !== undefined ? 'exited' : 'restarting';

/** What the Pod tells of the run; a Pod that has not started yet tells nothing of the last one's end. */
function runFacts(pod: Pod, policy: string): ContainerStatus {
  const main = mainStatus(pod);
  const end = lastEnd(main);
  const { status, spec } = pod;
  return defined({
    phase: phaseOf(pod, policy),
    exitCode: main?.state?.running === undefined ? end?.exitCode : undefined,
    startedAt: main?.state?.running?.startedAt ?? end?.startedAt,
    finishedAt: end?.finishedAt,
    restartCount: main?.restartCount ?? 0,
    ip: status?.podIP,
    image: main?.image,
    imageID: main?.imageID === '' ? undefined : main?.imageID,
    node: spec?.nodeName,
    // How it ended is final for this spec.
    endedSpecHash: hasEnded(pod) ? pod.metadata.annotations?.[specHashAnnotation] : undefined,
  }) as ContainerStatus;
}

/** A run whose end nobody saw: it was killed, as Docker says of what SIGKILL ended. */
const killed = 137;

/** Without a Pod the container is as its last run left it. */
function restFacts({ status, spec }: Container, now: string): ContainerStatus {
  const started = status?.startedAt !== undefined || status?.exitCode !== undefined;
  const unseen = status?.phase === 'running' || status?.phase === 'paused';
  const kept = defined({
    exitCode: unseen ? killed : status?.exitCode,
    startedAt: status?.startedAt,
    finishedAt: unseen ? now : status?.finishedAt,
    restartCount: status?.restartCount ?? 0,
    image: status?.image,
    imageID: status?.imageID,
    // Where its files are.
    node: status?.node,
    endedSpecHash: spec.state === 'Stopped' ? undefined : status?.endedSpecHash,
  });
  return { phase: started ? 'exited' : 'created', ...kept } as ContainerStatus;
}

function readyCondition(pod: Pod | undefined, phase: Phase | undefined): Omit<Condition, 'type'> {
  const ready = conditionOf(pod?.status?.conditions, 'Ready');
  if ((phase === 'running' || phase === 'paused') && ready?.status === 'True')
    return { status: 'True', reason: 'Running' };
  const waiting = pod === undefined ? undefined : mainStatus(pod)?.state?.waiting;
  const end = pod === undefined ? undefined : lastEnd(mainStatus(pod));
  const unscheduled = conditionOf(pod?.status?.conditions, 'PodScheduled');
  const why =
    waiting?.message ??
    end?.message ??
    pod?.status?.message ??
    (unscheduled?.status === 'False' ? unscheduled.message : undefined);
  const reason = waiting?.reason ?? end?.reason ?? pod?.status?.reason ?? unscheduled?.reason;
  const fallback = phase === 'running' ? 'NotReady' : capitalized(phase ?? 'created');
  return {
    status: 'False',
    reason: reason === undefined || reason === '' ? fallback : reason,
    ...(why === undefined || why === '' ? {} : { message: why }),
  };
}

const capitalized = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** As the node says it of a container with a health check, its document's or its image's. */
function healthOf(container: Container, pod: Pod | undefined, phase: Phase | undefined) {
  if (phase === 'paused') return defined({ health: container.status?.health });
  if (phase !== 'running') return {};
  const told = conditionOf(pod?.status?.conditions, healthCondition)?.status;
  if (told === 'True') return { health: 'healthy' } as const;
  if (told === 'False') return { health: 'unhealthy' } as const;
  const test = container.spec.healthcheck?.test[0];
  const has = told !== undefined || (test !== undefined && test !== 'NONE');
  return has ? ({ health: 'starting' } as const) : {};
}

/** The status with another `Synced`. */
export function withSync(status: ContainerStatus, sync: Sync, nowMs: number): ContainerStatus {
  const { observedGeneration, conditions } = status;
  const observed = observedGeneration === undefined ? {} : { observedGeneration };
  const condition = { type: 'Synced', ...sync, ...observed };
  return { ...status, conditions: withCondition(conditions, condition, timestamp(nowMs)) };
}

/** Whether the node has given a running container the limits of which generation. */
function withLimited(conditions: readonly Condition[], pod: Pod | undefined, now: string) {
  const told = conditionOf(pod?.status?.conditions, limitedCondition);
  if (told === undefined) return conditions.filter(({ type }) => type !== 'Limited');
  const { status, message, observedGeneration } = told as Condition;
  const condition = { type: 'Limited', status, message, observedGeneration };
  return withCondition<Condition>(conditions, defined(condition) as Condition, now);
}

/** Where the document leaves a port of the node open, it is the Pod's; nobody's without one that runs. */
function portsOf({ spec }: Container, pod: Pod | undefined): { ports?: ContainerPort[] } {
  const made = pod === undefined || hasEnded(pod) ? [] : (pod.spec?.containers[0]?.ports ?? []);
  const ports = spec.ports?.map(({ hostPort, ...port }, i) => {
    const chosen = hostPort === 0 ? made[i]?.hostPort : hostPort;
    return chosen === undefined ? port : { ...port, hostPort: chosen };
  });
  return ports === undefined ? {} : { ports };
}

/** `pod`: the Pod of the last run, if there is one. */
export function containerStatus(
  container: Container,
  pod: Pod | undefined,
  sync: Sync,
  nowMs: number,
): ContainerStatus {
  const now = timestamp(nowMs);
  const facts =
    pod === undefined
      ? restFacts(container, now)
      : runFacts(pod, container.spec.restartPolicy ?? 'no');
  const removing = container.metadata.deletionTimestamp !== undefined;
  const phase = removing ? 'removing' : facts.phase;
  const { generation } = container.metadata;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const ready = { type: 'Ready', ...readyCondition(pod, facts.phase), ...observed };
  const status: ContainerStatus = {
    ...facts,
    ...healthOf(container, pod, facts.phase),
    ...(phase === undefined ? {} : { phase }),
    ...observed,
    containerID: containerId(container),
    ...portsOf(container, pod),
    conditions: withLimited(
      withCondition<Condition>(container.status?.conditions, ready, now),
      pod,
      now,
    ),
  };
  return withSync(status, sync, nowMs);
}
