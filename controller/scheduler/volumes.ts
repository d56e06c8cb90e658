/** Where a pod's persistent volumes let it go. Pure. */
import type { Node, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import {
  claimNameOf,
  classOf,
  isBound,
  reachableFrom,
  volumeFor,
} from '#controller/workload/volume-match.ts';
import type { Facts } from './facts.ts';
import { helpless, type Obstacle } from './obstacle.ts';
import type { UsageView } from './usage.ts';

/** Says that nobody makes volumes of the class: they are there or not. */
const noProvisioner = 'kubernetes.io/no-provisioner';

export interface PodVolumes {
  /** Keeps the pod from every node. */
  readonly blocked?: string;
  /** Claims that wait for the pod to get a node, and then for their volume. */
  readonly waiting: readonly PersistentVolumeClaim[];
  readonly obstacle?: (node: Node) => Obstacle | undefined;
}

const nothing: PodVolumes = { waiting: [] };

export function podVolumes(pod: Pod, usage: UsageView, facts: Facts): PodVolumes {
  const claims: PersistentVolumeClaim[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    if (name === undefined) continue;
    const claim = facts.claim(`${pod.metadata.namespace}/${name}`);
    const blocked = whyBlocked(pod, name, claim, volume.ephemeral !== undefined, facts);
    if (blocked !== undefined) return { blocked, waiting: [] };
    if (claim !== undefined) claims.push(claim);
  }
  if (claims.length === 0) return nothing;
  const waiting = claims.filter((claim) => !isBound(claim));
  const exclusive = claims.filter(({ spec }) => spec?.accessModes?.includes('ReadWriteOncePod'));
  const used = exclusive.length > 0 && isUsed(pod, exclusive, usage);
  return {
    waiting,
    obstacle: (node) => {
      if (used) return { reason: exclusiveReason };
      for (const claim of claims) {
        const found = isBound(claim)
          ? boundObstacle(claim, node, facts)
          : unboundObstacle(claim, node, facts);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

const exclusiveReason =
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';

function whyBlocked(
  pod: Pod,
  name: string,
  claim: PersistentVolumeClaim | undefined,
  made: boolean,
  facts: Facts,
): string | undefined {
  if (claim === undefined) {
    return made
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  const owned = claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid);
  if (made && owned !== true)
    return `PVC ${pod.metadata.namespace}/${name} was not created for pod`;
  if (claim.metadata.deletionTimestamp !== undefined) {
    return `persistentvolumeclaim "${name}" is being deleted`;
  }
  if (claim.status?.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName}"`;
  }
  if (isBound(claim)) return undefined;
  const storageClass = facts.storageClass(classOf(claim));
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
    ? undefined
    : 'pod has unbound immediate PersistentVolumeClaims';
}

function isUsed(pod: Pod, claims: readonly PersistentVolumeClaim[], usage: UsageView): boolean {
  const names = new Set(claims.map(({ metadata }) => metadata.name));
  for (const { pod: other } of usage.all()) {
    if (other.metadata.namespace !== pod.metadata.namespace) continue;
    if (
      other.spec?.volumes?.some((volume) => names.has(claimNameOf(other, volume) ?? '')) === true
    ) {
      return true;
    }
  }
  return false;
}

function boundObstacle(
  { spec }: PersistentVolumeClaim,
  node: Node,
  facts: Facts,
): Obstacle | undefined {
  const volume = facts.volume(spec?.volumeName ?? '');
  if (volume === undefined)
    return helpless('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
  if (reachableFrom(volume, node)) return undefined;
  return helpless("node(s) didn't match PersistentVolume's node affinity");
}

function unboundObstacle(
  claim: PersistentVolumeClaim,
  node: Node,
  facts: Facts,
): Obstacle | undefined {
  if (volumeFor(claim, facts.volumes(), node) !== undefined) return undefined;
  const storageClass = facts.storageClass(classOf(claim));
  const makes = storageClass !== undefined && storageClass.provisioner !== noProvisioner;
  const allowed = storageClass?.allowedTopologies ?? [];
  const inPlace =
    allowed.length === 0 ||
    allowed.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) =>
        values.includes(node.metadata.labels?.[key] ?? ''),
      ),
    );
  if (makes && inPlace) return undefined;
  return helpless("node(s) didn't find available persistent volumes to bind");
}
