/** Defaults of volumes, claims and the kinds around them (`core/v1/defaults.go`, `storage/v1/defaults.go`). */
import { isObject, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { ensureObject, fill } from './fill.ts';
import { defaultSource } from './volume.ts';

export function defaultPersistentVolume(volume: KubeObject): void {
  const spec = ensureObject(volume, 'spec');
  fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' });
  for (const [name, source] of Object.entries(spec)) {
    if (isObject(source)) defaultSource(name, source);
  }
  fill(ensureObject(volume, 'status'), { phase: 'Pending' });
}

/** A claim, by itself or as a StatefulSet's template. */
export function defaultClaim(claim: JsonObject): void {
  const spec = ensureObject(claim, 'spec');
  fill(spec, { volumeMode: 'Filesystem' });
  fill(ensureObject(claim, 'status'), { phase: 'Pending' });
}

export function defaultStorageClass(storageClass: KubeObject): void {
  fill(storageClass, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
}

export function defaultCsiDriver(driver: KubeObject): void {
  fill(ensureObject(driver, 'spec'), {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  });
}
