/** Makes the claims of volumes that live as long as their pod (`ephemeral`); they go with it. */
import { keyOf, ownerReferenceTo } from '#api/resources/meta.ts';
import { persistentVolumeClaims, pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { defined, inTerminatingNamespace } from '#controller/runtime/write.ts';
import { claimNameOf } from '#controller/workload/volume-match.ts';

const isEphemeral = ({ spec }: Pod): boolean =>
  spec?.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true;

/** The claims that the pod's volumes want. Pure. */
export function ephemeralClaims(pod: Pod): PersistentVolumeClaim[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (template === undefined) return [];
    const { labels, annotations } = template.metadata ?? {};
    const { namespace } = pod.metadata;
    const metadata = defined({
      name: claimNameOf(pod, volume) ?? '',
      namespace,
      labels,
      annotations,
    });
    return [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { ...metadata, ownerReferences: [ownerReferenceTo(pod)] },
        spec: template.spec,
      } as PersistentVolumeClaim,
    ];
  });
}

async function perform(
  world: World,
  pod: Pod,
  claim: PersistentVolumeClaim,
  signal: AbortSignal,
): Promise<string[]> {
  const cache = world.cache<PersistentVolumeClaim>(persistentVolumeClaims);
  const held = cache.get(keyOf(claim));
  const { name, namespace } = claim.metadata;
  if (held !== undefined) {
    const ours = held.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid);
    if (ours !== true) {
      const message = `PVC ${namespace}/${name} was not created for pod ${keyOf(pod)} (pod is not owner)`;
      const reason = 'EphemeralVolumeCreationFailed';
      world.events.record(pod, { type: 'Warning', reason, message });
    }
    return [];
  }
  try {
    const claims = world.collection<PersistentVolumeClaim>(persistentVolumeClaims);
    cache.put(await claims.create(claim, signal));
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists') && !inTerminatingNamespace(error)) throw error;
  }
  return [`claim ${name}`];
}

export const ephemeralVolumeController: Controller = {
  name: 'ephemeral-volume',
  run: (world) => {
    const all = world.cache<Pod>(pods);
    const claims = world.cache<PersistentVolumeClaim>(persistentVolumeClaims);
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const pod = all.get(key);
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return settled();
      const actions: string[] = [];
      for (const claim of ephemeralClaims(pod)) {
        actions.push(...(await perform(world, pod, claim, signal)));
      }
      return settled(...actions);
    };
    const keys$ = whenSynced(
      [all, claims],
      mappedKeys(all.changes, (pod) => (isEphemeral(pod) ? [keyOf(pod)] : [])),
    );
    return reconcileKeys(keys$, reconcile, { clock: world.clock });
  },
};
