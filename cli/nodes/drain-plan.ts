/** Which pods `bay drain` moves away from a node, which it leaves, and which keep it from beginning. Pure. */
import { objectOr, objectsOf } from '#api/resources/json.ts';
import { controllerOf, type KubeObject } from '#api/resources/meta.ts';

export interface DrainFlags {
  readonly force: boolean;
  readonly ignoreDaemonSets: boolean;
  readonly deleteEmptyDirData: boolean;
}

export interface DrainPlan {
  readonly evict: readonly KubeObject[];
  /** Why it may not begin. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

interface Verdict {
  readonly evict: boolean;
  readonly warning?: string;
  readonly error?: string;
}

const mirror = 'kubernetes.io/config.mirror';

const reasons = {
  daemon: 'DaemonSet-managed Pods (use --ignore-daemonsets to ignore)',
  storage: 'Pods with local storage (use --delete-emptydir-data to override)',
  alone: 'Pods that declare no controller (use --force to override)',
} as const;

const warnings = {
  daemon: 'ignoring DaemonSet-managed Pods',
  storage: 'deleting Pods with local storage',
  alone: 'deleting Pods that declare no controller',
} as const;

function verdict(pod: KubeObject, flags: DrainFlags): Verdict {
  const { annotations = {} } = pod.metadata;
  if (Object.hasOwn(annotations, mirror)) return { evict: false };
  const { phase } = objectOr(pod['status']);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const owner = controllerOf(pod);
  if (owner?.kind === 'DaemonSet' && !isOver) {
    return flags.ignoreDaemonSets
      ? { evict: false, warning: warnings.daemon }
      : { evict: false, error: reasons.daemon };
  }
  const volumes = objectsOf(objectOr(pod['spec'])['volumes']);
  const hasData = !isOver && volumes.some((volume) => volume['emptyDir'] !== undefined);
  if (hasData && !flags.deleteEmptyDirData) return { evict: false, error: reasons.storage };
  if (!isOver && owner === undefined) {
    return flags.force
      ? { evict: true, warning: warnings.alone }
      : { evict: false, error: reasons.alone };
  }
  return hasData ? { evict: true, warning: warnings.storage } : { evict: true };
}

const nameOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;

/** `reason: pod, pod`, one a reason. */
function byReason(pairs: readonly (readonly [string, KubeObject])[]): string[] {
  const groups = new Map<string, string[]>();
  for (const [reason, pod] of pairs) {
    groups.set(reason, [...(groups.get(reason) ?? []), nameOf(pod)]);
  }
  return [...groups].map(([reason, names]) => `${reason}: ${names.join(', ')}`);
}

export function drainPlan(pods: readonly KubeObject[], flags: DrainFlags): DrainPlan {
  const judged = pods.map((pod) => ({ pod, ...verdict(pod, flags) }));
  return {
    evict: judged.filter(({ evict }) => evict).map(({ pod }) => pod),
    errors: byReason(
      judged.flatMap(({ pod, error }) =>
        error === undefined ? [] : [[`cannot delete ${error}`, pod] as const],
      ),
    ),
    warnings: byReason(
      judged.flatMap(({ pod, warning }) =>
        warning === undefined ? [] : [[warning, pod] as const],
      ),
    ),
  };
}
