/** Names that documents call each other by follow when names change. */
import { type JsonObject, objectOr } from '#api/resources/json.ts';
import { atPath } from './fields.ts';
import { groupOf, type Item, isClusterWide } from './item.ts';

/** Where pods' specs are, by kind. */
const podSpecs: Readonly<Record<string, string>> = {
  Pod: 'spec',
  ReplicationController: 'spec/template/spec',
  Deployment: 'spec/template/spec',
  ReplicaSet: 'spec/template/spec',
  DaemonSet: 'spec/template/spec',
  StatefulSet: 'spec/template/spec',
  Job: 'spec/template/spec',
  CronJob: 'spec/jobTemplate/spec/template/spec',
};

const inContainers = (path: string) =>
  ['containers', 'initContainers', 'ephemeralContainers'].map((list) => `${list}[]/${path}`);

/** Fields of a pod's spec that name an object of a kind. */
const podReferences: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: [
    'volumes[]/configMap/name',
    'volumes[]/projected/sources[]/configMap/name',
    ...inContainers('env[]/valueFrom/configMapKeyRef/name'),
    ...inContainers('envFrom[]/configMapRef/name'),
  ],
  Secret: [
    'volumes[]/secret/secretName',
    'volumes[]/projected/sources[]/secret/name',
    'imagePullSecrets[]/name',
    ...inContainers('env[]/valueFrom/secretKeyRef/name'),
    ...inContainers('envFrom[]/secretRef/name'),
  ],
  PersistentVolumeClaim: ['volumes[]/persistentVolumeClaim/claimName'],
  ServiceAccount: ['serviceAccountName', 'serviceAccount'],
  PriorityClass: ['priorityClassName'],
};

interface Reference {
  readonly to: string;
  readonly from: readonly string[];
  readonly path: string;
}

const reference = (to: string, from: string, ...paths: readonly string[]): Reference[] =>
  paths.map((path) => ({ to, from: from.split(' '), path }));

const webhooks = 'ValidatingWebhookConfiguration MutatingWebhookConfiguration';

const references: readonly Reference[] = [
  ...Object.entries(podReferences).flatMap(([to, fields]) =>
    Object.entries(podSpecs).flatMap(([from, spec]) =>
      fields.flatMap((field) => reference(to, from, `${spec}/${field}`)),
    ),
  ),
  ...reference('Secret', 'Ingress', 'spec/tls[]/secretName'),
  ...reference('Secret', 'ServiceAccount', 'secrets[]/name', 'imagePullSecrets[]/name'),
  ...reference('Service', 'StatefulSet', 'spec/serviceName'),
  ...reference(
    'Service',
    'Ingress',
    'spec/defaultBackend/service/name',
    'spec/rules[]/http/paths[]/backend/service/name',
  ),
  ...reference('Service', 'APIService', 'spec/service/name'),
  ...reference('Service', webhooks, 'webhooks[]/clientConfig/service/name'),
  ...reference('Role', 'RoleBinding', 'roleRef/name'),
  ...reference('ClusterRole', 'RoleBinding ClusterRoleBinding', 'roleRef/name'),
  ...reference('ServiceAccount', 'RoleBinding ClusterRoleBinding', 'subjects[]/name'),
  ...reference('StorageClass', 'PersistentVolumeClaim PersistentVolume', 'spec/storageClassName'),
  ...reference('StorageClass', 'StatefulSet', 'spec/volumeClaimTemplates[]/spec/storageClassName'),
  ...reference('PersistentVolume', 'PersistentVolumeClaim', 'spec/volumeName'),
  ...reference('IngressClass', 'Ingress', 'spec/ingressClassName'),
  ...['Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController'].flatMap((kind) =>
    reference(kind, 'HorizontalPodAutoscaler', 'spec/scaleTargetRef/name'),
  ),
  ...reference('Secret', 'Image GitSync', 'spec/source/secret'),
];

const byReferrer = Map.groupBy(
  references.flatMap(({ from, ...rest }) => from.map((kind) => ({ kind, ...rest }))),
  ({ kind }) => kind,
);

/** What the parent of the name says of the kind it means, where it may be one of several. */
function means(parent: JsonObject, to: string): boolean {
  const kind = parent['kind'];
  return kind === undefined || kind === to;
}

/** The item that is meant: by the name it had just before, else by any it had. */
function meant(
  candidates: readonly Item[],
  name: unknown,
  namespace: string | undefined,
  before: ReadonlyMap<Item, string>,
): Item | undefined {
  // Who names no namespace may mean the one called default.
  const wanted = namespace || 'default';
  const near = candidates.filter(
    ({ object, namespaces }) =>
      isClusterWide(object) ||
      [object.metadata.namespace, ...namespaces].some((one) => (one || 'default') === wanted),
  );
  return (
    near.find((item) => before.get(item) === name) ??
    near.find(({ object }) => object.metadata.name === name) ??
    near.find(({ names }) => typeof name === 'string' && names.has(name))
  );
}

/** `before`: the name each item had before the last change. */
export function followNames(items: readonly Item[], before: ReadonlyMap<Item, string>): void {
  const byKind = Map.groupBy(items, ({ object }) => object.kind);
  for (const { object } of items) {
    for (const { to, path } of byReferrer.get(object.kind) ?? []) {
      const candidates = byKind.get(to) ?? [];
      if (candidates.length === 0) continue;
      atPath(object, path, false, (parent, field) => {
        if (!means(parent, to)) return;
        const isSubject = to === 'ServiceAccount' && path.startsWith('subjects');
        const isService =
          path.endsWith('clientConfig/service/name') || path === 'spec/service/name';
        const namespace = isSubject || isService ? parent['namespace'] : object.metadata.namespace;
        const item = meant(candidates, parent[field], namespace as string | undefined, before);
        if (item === undefined) return;
        const { metadata } = item.object;
        parent[field] = metadata.name;
        if ((isSubject || isService) && metadata.namespace !== undefined) {
          parent['namespace'] = metadata.namespace;
        }
      });
    }
  }
}

/** The documents' namespace becomes this one; what belongs to none keeps none. */
export function setNamespace(items: readonly Item[], namespace: string): void {
  for (const item of items) {
    const { object } = item;
    if (object.kind === 'Namespace' && groupOf(object) === '') {
      item.names.add(object.metadata.name);
      object.metadata.name = namespace;
    } else if (!isClusterWide(object)) {
      item.namespaces.add(object.metadata.namespace ?? '');
      object.metadata.namespace = namespace;
    }
    if (!object.kind.endsWith('RoleBinding')) continue;
    for (const subject of (object['subjects'] as unknown[] | undefined) ?? []) {
      const found = objectOr(subject);
      if (found['kind'] === 'ServiceAccount' && found['name'] === 'default') {
        found['namespace'] = namespace;
      }
    }
  }
}
