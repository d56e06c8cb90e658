/** What a ReplicaSet wants done: as many pods as it says, its own marked as its own, the rest told in its status. Pure. */
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import { stableSuffix } from '#controller/runtime/stable-name.ts';
import { claim, isActive } from './claim.ts';
import { deletionOrder } from './rank.ts';

export interface Plan {
  readonly own: readonly Pod[];
  readonly adopt: readonly Pod[];
  readonly release: readonly Pod[];
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
}

/** More in one run would keep others waiting; the rest follows in the next (Kubernetes' `BurstReplicas`). */
const burst = 500;

/** `pods`: all of the namespace that the ReplicaSet controls or might adopt. */
export function plan(replicaSet: ReplicaSet, pods: readonly Pod[]): Plan {
  const { own, adopt, release } = claim(replicaSet, pods);
  const idle = { own, adopt, release, create: [], remove: [] };
  if (replicaSet.metadata.deletionTimestamp !== undefined) return idle;
  const active = [...own, ...adopt].filter(isActive);
  const missing = (replicaSet.spec?.replicas ?? 1) - active.length;
  if (missing > 0) return { ...idle, create: newPods(replicaSet, pods, Math.min(missing, burst)) };
  const tooMany = Math.min(-missing, burst);
  return { ...idle, remove: deletionOrder(active).slice(0, tooMany) };
}

/**
 * Pods whose names are fixed by what we know: planning again from the same view gives the same names, so that a create
 * whose answer was lost meets its own pod. A later view (the version changes with every status) gives new ones: no
 * pod takes the name of one that was there before.
 */
function newPods(replicaSet: ReplicaSet, pods: readonly Pod[], count: number): Pod[] {
  const { name, uid, resourceVersion } = replicaSet.metadata;
  const taken = new Set(pods.map((pod) => pod.metadata.name));
  const made: Pod[] = [];
  for (let i = 0; made.length < count; i += 1) {
    const podName = `${name}-${stableSuffix(`${uid}/${resourceVersion}/${i}`)}`;
    if (taken.has(podName)) continue;
    taken.add(podName);
    made.push(newPod(replicaSet, podName));
  }
  return made;
}

function newPod(replicaSet: ReplicaSet, name: string): Pod {
  const { template } = replicaSet.spec ?? {};
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const { namespace } = replicaSet.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${replicaSet.metadata.name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerReferenceTo(replicaSet)],
    },
    spec: template?.spec ?? { containers: [] },
  };
}
