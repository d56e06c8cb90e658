/** Whether a pod has more on the node's disk than it may: its volumes' and its containers' own limits. Pure. */
import { formatQuantity, value } from '#api/resources/quantity.ts';
import type { Pod, Volume } from '#api/resources/types.ts';
import type { LocalUse } from './local-use.ts';

const resource = 'ephemeral-storage';

/** A volume on disk; one in memory has its limit from the kernel. */
export const isOnDisk = ({ emptyDir }: Volume): boolean =>
  emptyDir !== undefined && emptyDir.medium !== 'Memory';

const limitOf = (text: string | undefined): number => (text === undefined ? 0 : value(text));

/** Whether there is anything to be kept within. */
export function hasLocalLimits({ spec }: Pod): boolean {
  const volumes = spec?.volumes?.some(
    (one) => isOnDisk(one) && limitOf(one.emptyDir?.sizeLimit) > 0,
  );
  const limits = spec?.containers.some(
    ({ resources }) => limitOf(resources?.limits?.[resource]) > 0,
  );
  return volumes === true || limits === true;
}

/** Why the pod has to go, in kubelet's words (pkg/kubelet/eviction/helpers.go); undefined: it does not. */
export function overLocalLimit(pod: Pod, use: LocalUse): string | undefined {
  return overVolumeLimit(pod, use) ?? overPodLimit(pod, use) ?? overContainerLimit(pod, use);
}

function overVolumeLimit(pod: Pod, use: LocalUse): string | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    const limit = volume.emptyDir?.sizeLimit;
    if (limit === undefined || limitOf(limit) <= 0 || !isOnDisk(volume)) continue;
    if ((use.volumes.get(volume.name)?.bytes ?? 0) > limitOf(limit)) {
      return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${limit}". `;
    }
  }
  return undefined;
}

/** A pod is limited as soon as one of its containers is: by the sum of what they say. */
function overPodLimit(pod: Pod, use: LocalUse): string | undefined {
  const limits = (pod.spec?.containers ?? []).map(({ resources }) =>
    limitOf(resources?.limits?.[resource]),
  );
  const limit = limits.reduce((sum, one) => sum + one, 0);
  if (limit === 0 || use.total.bytes <= limit) return undefined;
  const text = formatQuantity({ nano: BigInt(limit) * 1_000_000_000n, format: 'BinarySI' });
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. `;
}

function overContainerLimit(pod: Pod, use: LocalUse): string | undefined {
  for (const { name, resources } of pod.spec?.containers ?? []) {
    const limit = resources?.limits?.[resource];
    if (limit === undefined || limitOf(limit) <= 0) continue;
    if ((use.containers.get(name)?.bytes ?? 0) > limitOf(limit)) {
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
    }
  }
  return undefined;
}
