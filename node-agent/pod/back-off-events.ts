/** Tells that a container's restart waits, once for each of its ends. */
import type { ContainerStatus, Pod, PodStatus } from '#api/resources/types.ts';
import type { PodEvents } from './pod-events.ts';

const waits = ({ state }: ContainerStatus): boolean =>
  state?.waiting?.reason === 'CrashLoopBackOff';

const statusesOf = (status: PodStatus | undefined): ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/** `before`: the pod's status as it was said last. */
export function tellBackOffs(
  events: PodEvents,
  pod: Pod,
  { before, after }: { readonly before: PodStatus | undefined; readonly after: PodStatus },
): void {
  const known = statusesOf(before).filter(waits);
  for (const { name, restartCount } of statusesOf(after).filter(waits)) {
    if (known.some((one) => one.name === name && one.restartCount === restartCount)) continue;
    const { metadata } = pod;
    const message = `Back-off restarting failed container ${name} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    events.warn(pod, 'BackOff', message, name);
  }
}
