/** What a pod names: the objects its node must be able to read for it. */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

export interface PodReferences {
  /** `secrets/name`, `configmaps/name`, `persistentvolumeclaims/name`, `resourceclaims/name`. */
  readonly objects: ReadonlySet<string>;
  readonly serviceAccount: string;
  /** Of projected tokens, as the pod asks for them; `''`: the API server. */
  readonly audiences: ReadonlySet<string>;
}

type Add = (resource: string, name: unknown) => void;

const containersOf = (spec: JsonObject): JsonObject[] =>
  ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) => objectsOf(spec[list]));

function addEnvironment(container: JsonObject, add: Add): void {
  for (const from of objectsOf(container['envFrom'])) {
    add('secrets', objectOr(from['secretRef'])['name']);
    add('configmaps', objectOr(from['configMapRef'])['name']);
  }
  for (const variable of objectsOf(container['env'])) {
    const from = objectOr(variable['valueFrom']);
    add('secrets', objectOr(from['secretKeyRef'])['name']);
    add('configmaps', objectOr(from['configMapKeyRef'])['name']);
  }
}

/** Drivers that take a secret, and the field that names it. */
const secretFields: readonly (readonly [driver: string, field: string])[] = [
  ['azureFile', 'secretName'],
  ...['cephfs', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'].map(
    (driver) => [driver, 'secretRef'] as const,
  ),
  ['csi', 'nodePublishSecretRef'],
];

function addVolume(volume: JsonObject, add: Add, audience: (name: string) => void): void {
  add('secrets', objectOr(volume['secret'])['secretName']);
  add('configmaps', objectOr(volume['configMap'])['name']);
  add('persistentvolumeclaims', objectOr(volume['persistentVolumeClaim'])['claimName']);
  for (const [driver, field] of secretFields) {
    const value = objectOr(volume[driver])[field];
    add('secrets', typeof value === 'string' ? value : objectOr(value)['name']);
  }
  for (const source of objectsOf(objectOr(volume['projected'])['sources'])) {
    add('secrets', objectOr(source['secret'])['name']);
    add('configmaps', objectOr(source['configMap'])['name']);
    const token = source['serviceAccountToken'];
    if (token !== undefined) audience(stringOr(objectOr(token)['audience']));
  }
}

/** All that the pod's spec names. */
export function podReferences(pod: KubeObject): PodReferences {
  const objects = new Set<string>();
  const audiences = new Set<string>();
  const add: Add = (resource, name) => {
    if (typeof name === 'string' && name !== '') objects.add(`${resource}/${name}`);
  };
  const spec = objectOr(pod['spec']);
  for (const one of objectsOf(spec['imagePullSecrets'])) add('secrets', one['name']);
  for (const container of containersOf(spec)) addEnvironment(container, add);
  for (const volume of objectsOf(spec['volumes'])) {
    addVolume(volume, add, (name) => audiences.add(name));
    if (volume['ephemeral'] !== undefined) {
      add('persistentvolumeclaims', `${pod.metadata.name}-${stringOr(volume['name'])}`);
    }
  }
  for (const claim of objectsOf(spec['resourceClaims'])) {
    add('resourceclaims', claim['resourceClaimName']);
  }
  return { objects, serviceAccount: stringOr(spec['serviceAccountName']), audiences };
}
