/** Volumes that are directories of one node: what the default StorageClass makes. Pure. */
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '#api/resources/types.ts';
import { defined } from '#controller/runtime/write.ts';

/** Who makes the volumes: the name that StorageClasses call it by. */
export const provisioner = 'bayplan.dev/local';
/** On a Node: below which directory its agent keeps such volumes. */
export const directoryAnnotation = 'bayplan.dev/persistent-volumes';
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';

const hostname = 'kubernetes.io/hostname';

/** A directory is on one node and is no block device. */
export function whyNotLocal({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec?.selector !== undefined) {
    return 'claim.spec.selector is not supported: a volume is made for each claim';
  }
  if (spec?.volumeMode === 'Block') {
    return `${provisioner} makes directories: volumeMode Block needs another StorageClass`;
  }
  const shared = spec?.accessModes?.find((mode) => !mode.startsWith('ReadWriteOnce'));
  if (shared === undefined) return undefined;
  return `${provisioner} makes volumes of one node: ${shared} needs another StorageClass, or ReadWriteOnce`;
}

/** The volume for the claim on the node; its name is the claim's own. Undefined: the node keeps no volumes. */
export function localVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
): PersistentVolume | undefined {
  const directory = node.metadata.annotations?.[directoryAnnotation];
  if (directory === undefined) return undefined;
  const { namespace, name, uid } = claim.metadata;
  const volumeName = `pvc-${uid}`;
  const host = node.metadata.labels?.[hostname] ?? node.metadata.name;
  const match = { key: hostname, operator: 'In', values: [host] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, annotations: { [provisionedBy]: provisioner } },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      accessModes: claim.spec?.accessModes ?? [],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      local: { path: `${directory}/${volumeName}` },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [match] }] } },
      claimRef: defined({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace,
        name,
        uid,
      }),
    } as NonNullable<PersistentVolume['spec']>,
  };
}

/** The name of the only node that has the volume. */
export function hostOf({ spec }: PersistentVolume): string | undefined {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const [term] = terms;
  const found = term?.matchExpressions?.find(({ key }) => key === hostname)?.values;
  return terms.length === 1 && found?.length === 1 ? found[0] : undefined;
}
