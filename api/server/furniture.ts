/** What every cluster has and nobody applies: four namespaces, the Service of the API itself, the range of services, two priority classes, a storage class. */
import { randomUUID } from 'node:crypto';
import { isLeft } from 'fp-ts/lib/Either.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { equalJson, type JsonObject, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import { familyOf, nth, parseRange } from '../allocation/address-range.ts';
import { prepareCreate } from '../kinds/prepare.ts';
import type { Kind } from '../schema/kind.ts';
import { changeStored } from '../verbs/change.ts';
import { createObject } from '../verbs/create.ts';
import { type ApiContext, storageKey } from '../verbs/request.ts';
import { put } from '../verbs/store.ts';
import { builtIn } from '../verbs/subresources/binding.ts';
import { ownRequest } from './own-request.ts';

export interface Furnishing {
  /** The range of cluster addresses of a new cluster. */
  readonly serviceCidr: string;
  /** Where pods reach this server. */
  readonly address: string;
  readonly port: number;
}

/** What every client relies on. */
const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map(
  (name): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
);

const service = { namespace: 'default', name: 'kubernetes' };

const priorityClass = (name: string, value: number, what: string): KubeObject => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
  description: `Used for system critical pods that must ${what}.`,
});

const priorityClasses = [
  priorityClass('system-node-critical', 2_000_001_000, 'not be moved from their current node'),
  priorityClass(
    'system-cluster-critical',
    2_000_000_000,
    'run in the cluster, but can be moved to another node if necessary',
  ),
];

/** Directories of the nodes: what a claim gets that names no class. Whoever wants another default takes the annotation away. */
const storageClass: KubeObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: 'local',
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner: 'bayplan.dev/local',
  volumeBindingMode: 'WaitForFirstConsumer',
  reclaimPolicy: 'Delete',
};

const serviceRange = (cidr: string): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name: 'kubernetes' },
  spec: { cidrs: [cidr] },
});

const ports = (port: number): JsonObject[] => [{ name: 'https', port, protocol: 'TCP' }];

const apiService = (clusterIP: string, port: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { ...service, labels: { component: 'apiserver', provider: 'kubernetes' } },
  spec: {
    type: 'ClusterIP',
    clusterIP,
    ipFamilies: [familyOf(clusterIP)],
    ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    sessionAffinity: 'None',
  },
});

/** Names: each node answers at this address by itself (node-agent/network/dns). Ports are called as everybody calls them. */
const dnsService = (clusterIP: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    namespace: 'kube-system',
    name: 'kube-dns',
    labels: {
      'k8s-app': 'kube-dns',
      'kubernetes.io/cluster-service': 'true',
      'kubernetes.io/name': 'CoreDNS',
    },
  },
  spec: {
    type: 'ClusterIP',
    clusterIP,
    ipFamilies: [familyOf(clusterIP)],
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
      { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
    ],
    sessionAffinity: 'None',
  },
});

const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };

const endpoints = ({ address, port }: Furnishing): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { ...service, labels: skipMirror },
  subsets: [{ addresses: [{ ip: address }], ports: ports(port) }],
});

const endpointSlice = ({ address, port }: Furnishing): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { ...service, labels: { 'kubernetes.io/service-name': service.name } },
  addressType: familyOf(address) ?? 'IPv4',
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: ports(port),
});

/** Makes what is missing and puts right where the API is reached. Another server may do the same at the same time. */
export async function furnish(context: ApiContext, furnishing: Furnishing): Promise<void> {
  const first = [
    ...namespaces,
    ...priorityClasses,
    storageClass,
    serviceRange(furnishing.serviceCidr),
  ];
  await Promise.all(first.map((wanted) => ensure(context, wanted, [])));
  const held = context.cache.get('/registry/servicecidrs/kubernetes')?.object();
  const { cidrs } = objectOr(held?.['spec']);
  const own = parseRange(String(Array.isArray(cidrs) ? cidrs[0] : furnishing.serviceCidr));
  if (own === undefined) throw new Error(`serviceCidr '${furnishing.serviceCidr}' is no range`);
  const address = nth(own, 0n);
  await Promise.all([
    ensure(context, apiService(address, furnishing.port), []),
    // A Service of somebody else may have the address: names are then theirs to answer.
    ensure(context, dnsService(nth(own, 9n)), []).catch(() => undefined),
    ensure(context, endpoints(furnishing), ['subsets']),
    ensure(context, endpointSlice(furnishing), ['endpoints', 'ports', 'addressType']),
  ]);
}

/** The object is there, and its `fields` are as wanted. */
async function ensure(
  context: ApiContext,
  wanted: KubeObject,
  fields: readonly string[],
): Promise<void> {
  const kind = builtIn(context.kinds, wanted.apiVersion, wanted.kind);
  const { namespace, name } = wanted.metadata;
  const key = storageKey(kind, namespace, name);
  const held = context.cache.get(key)?.object();
  if (held === undefined) {
    if (fields.length > 0) return write(context, kind, key, wanted);
    const made = await createObject(ownRequest(kind), context, structuredClone(wanted))();
    if (isLeft(made) && !hasReason(made.left, 'AlreadyExists')) throw made.left;
    return;
  }
  if (fields.every((field) => equalJson(held[field], wanted[field]))) return;
  const options = { kind, key, name, onConflict: 'retry', dryRun: false } as const;
  await changeStored(context, options, (current) => {
    const changes = Object.fromEntries(fields.map((field) => [field, wanted[field]]));
    return TE.right({ ...current, ...changes });
  });
}

/** Past validation: a server on loopback has endpoints that nobody else may have. */
async function write(
  context: ApiContext,
  kind: Kind,
  key: string,
  wanted: KubeObject,
): Promise<void> {
  const { name } = wanted.metadata;
  const creation = { uid: randomUUID(), now: context.now(), name };
  const object = prepareCreate(kind, structuredClone(wanted), creation);
  await put(context, { kind, key, object, expectedRevision: 0 });
}
