/**
 * What ties a container's record to its pod. The runtime keeps the labels on disk, so after a crash the agent knows
 * every attempt again. The names are those kubelet gives to CRI runtimes (pkg/kubelet/types/labels.go).
 */
import type { ContainerRecord, SandboxSpec } from '#node-agent/container/runtime.ts';
import type { Attempt } from './view.ts';

const podName = 'io.kubernetes.pod.name';
const podNamespace = 'io.kubernetes.pod.namespace';
const podUid = 'io.kubernetes.pod.uid';
const containerName = 'io.kubernetes.container.name';
const attemptNumber = 'bayplan.dev/attempt';
const restartDelay = 'bayplan.dev/restart-delay-ms';
const imageId = 'bayplan.dev/image-id';
const stopSignal = 'bayplan.dev/stop-signal';

export interface PodIdentity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** Labels of a pod's sandbox. */
export function podLabels(pod: PodIdentity): Record<string, string> {
  return { [podUid]: pod.uid, [podNamespace]: pod.namespace, [podName]: pod.name };
}

/** Labels of one attempt of one container. */
export function containerLabels(
  pod: PodIdentity,
  attempt: {
    readonly container: string;
    readonly attempt: number;
    readonly restartDelayMs: number;
    readonly imageId: string;
    readonly stopSignal: string;
  },
): Record<string, string> {
  return {
    ...podLabels(pod),
    [containerName]: attempt.container,
    [attemptNumber]: String(attempt.attempt),
    [restartDelay]: String(attempt.restartDelayMs),
    [imageId]: attempt.imageId,
    [stopSignal]: attempt.stopSignal,
  };
}

/** Whose sandbox or container it is; undefined when the labels are not ours. */
export function identityOf(spec: Pick<SandboxSpec, 'labels'>): PodIdentity | undefined {
  const uid = spec.labels[podUid];
  if (uid === undefined) return undefined;
  return { uid, namespace: spec.labels[podNamespace] ?? '', name: spec.labels[podName] ?? '' };
}

/** A record as an attempt; what the record does not hold (reason, message) is absent. */
export function attemptOf(record: ContainerRecord): Attempt {
  const { labels, id } = record.spec;
  return {
    id,
    container: labels[containerName] ?? '',
    attempt: Number(labels[attemptNumber] ?? 0),
    restartDelayMs: Number(labels[restartDelay] ?? 0),
    imageId: labels[imageId] ?? '',
    state: record.state,
  };
}

/** The signal that asks the container to stop, as a name: `SIGTERM`. */
export function stopSignalOf(record: ContainerRecord): string {
  return record.spec.labels[stopSignal] ?? 'SIGTERM';
}
