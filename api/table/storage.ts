/** Rows of volumes, claims and the kinds around them. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { type Cells, countOf, NONE, specOf, statusOf, textOr, UNSET } from './cells.ts';

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modesText(modes: unknown): string {
  const present = Array.isArray(modes) ? modes : [];
  const known = Object.keys(MODES).filter((mode) => present.includes(mode));
  return known.map((mode) => MODES[mode]).join(',');
}

const phaseText = (object: KubeObject): string =>
  object.metadata.deletionTimestamp === undefined
    ? stringOr(statusOf(object)['phase'])
    : 'Terminating';

/** The class was an annotation once. */
const classText = (object: KubeObject): string => {
  const old = object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
  return textOr(old, stringOr(specOf(object)['storageClassName']));
};

export function persistentVolumeCells(volume: KubeObject): Cells {
  const spec = specOf(volume);
  const { namespace, name } = objectOr(spec['claimRef']);
  return {
    Capacity: textOr(objectOr(spec['capacity'])['storage'], '0'),
    'Access Modes': modesText(spec['accessModes']),
    'Reclaim Policy': stringOr(spec['persistentVolumeReclaimPolicy']),
    Status: phaseText(volume),
    Claim: spec['claimRef'] === undefined ? '' : `${stringOr(namespace)}/${stringOr(name)}`,
    StorageClass: classText(volume),
    VolumeAttributesClass: textOr(spec['volumeAttributesClassName'], UNSET),
    Reason: stringOr(statusOf(volume)['reason']),
    VolumeMode: textOr(spec['volumeMode'], UNSET),
  };
}

export function claimCells(claim: KubeObject): Cells {
  const spec = specOf(claim);
  const { accessModes, capacity } = statusOf(claim);
  const bound = stringOr(spec['volumeName']) !== '';
  return {
    Status: phaseText(claim),
    Volume: stringOr(spec['volumeName']),
    Capacity: bound ? textOr(objectOr(capacity)['storage'], '0') : '',
    'Access Modes': bound ? modesText(accessModes) : '',
    StorageClass: classText(claim),
    VolumeAttributesClass: textOr(spec['volumeAttributesClassName'], UNSET),
    VolumeMode: textOr(spec['volumeMode'], UNSET),
  };
}

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

export function storageClassCells(storageClass: KubeObject): Cells {
  const { name, annotations } = storageClass.metadata;
  return {
    Name: annotations?.[DEFAULT_CLASS] === 'true' ? `${name} (default)` : name,
    Provisioner: stringOr(storageClass['provisioner']),
    ReclaimPolicy: textOr(storageClass['reclaimPolicy'], 'Delete'),
    VolumeBindingMode: textOr(storageClass['volumeBindingMode'], UNSET),
    AllowVolumeExpansion: storageClass['allowVolumeExpansion'] === true,
  };
}

export const attributesClassCells = (attributes: KubeObject): Cells => ({
  DriverName: stringOr(attributes['driverName']),
});

export function volumeAttachmentCells(attachment: KubeObject): Cells {
  const { attacher, source, nodeName } = specOf(attachment);
  return {
    Attacher: stringOr(attacher),
    PV: stringOr(objectOr(source)['persistentVolumeName']),
    Node: stringOr(nodeName),
    Attached: statusOf(attachment)['attached'] === true,
  };
}

export const csiNodeCells = (node: KubeObject): Cells => ({
  Drivers: countOf(specOf(node)['drivers']),
});

export function csiDriverCells(driver: KubeObject): Cells {
  const spec = specOf(driver);
  const tokens = objectsOf(spec['tokenRequests']).map((one) => stringOr(one['audience']));
  const modes = Array.isArray(spec['volumeLifecycleModes']) ? spec['volumeLifecycleModes'] : [];
  return {
    AttachRequired: spec['attachRequired'] !== false,
    PodInfoOnMount: spec['podInfoOnMount'] === true,
    StorageCapacity: spec['storageCapacity'] === true,
    TokenRequests: tokens.length === 0 ? UNSET : tokens.join(','),
    RequiresRepublish: spec['requiresRepublish'] === true,
    Modes: modes.join(',') || NONE,
  };
}

export const csiCapacityCells = (capacity: KubeObject): Cells => ({
  StorageClassName: stringOr(capacity['storageClassName']),
  Capacity: textOr(capacity['capacity'], UNSET),
});
