/**
 * Kubernetes' built-in plug-ins, by the kind they look at: first those that change the object, then, once it is valid,
 * those that judge it. What they must know they read from the cache, so nothing waits here.
 */
import { equalJson, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';
import {
  admitRuntimeClass,
  checkResize,
  defaultIngressClass,
  defaultStorageClass,
  protect,
  taintNode,
} from './classes.ts';
import { applyLimitRanges, checkLimitRanges } from './limit-ranger.ts';
import {
  checkNamespaceLabels,
  checkPod,
  isJudged,
  warnOfExisting,
  warnOfWorkload,
} from './pod-security/pod-security.ts';
import { restrictSubject } from './signers.ts';

/** The rest of the cluster, as plug-ins ask for it. */
export interface Cluster {
  /** The object stored at a key. */
  find(key: string): KubeObject | undefined;
  /** All objects below a key. */
  all(prefix: string): readonly KubeObject[];
  /** Tells the client something without refusing. */
  warn(text: string): void;
  /** Names of plug-ins that are switched off. */
  readonly without: ReadonlySet<string>;
}

interface Asked {
  readonly object: KubeObject;
  /** Absent for a creation. */
  readonly old: KubeObject | undefined;
}

interface Plugin {
  readonly name: string;
  /** `group/Kind`. */
  readonly kinds: readonly string[];
  readonly run: (asked: Asked, cluster: Cluster) => StatusError | undefined;
}

const namespaceOf = ({ metadata }: KubeObject, cluster: Cluster) =>
  cluster.find(`/registry/namespaces/${metadata.namespace}`);

const limitRanges = ({ metadata }: KubeObject, cluster: Cluster) =>
  cluster.all(`/registry/limitranges/${metadata.namespace}/`);

const resourcesIn = (pod: KubeObject, list: string): unknown[] =>
  objectsOf(objectOr(pod['spec'])[list]).map(({ resources }) => resources);

/** Whether `pods/resize` asks for other amounts; nothing else can. */
const isResized = (pod: KubeObject, old: KubeObject): boolean =>
  ['containers', 'initContainers'].some(
    (list) => !equalJson(resourcesIn(pod, list), resourcesIn(old, list)),
  );

const storageClasses = '/registry/storageclasses/';
const claims = '/PersistentVolumeClaim';

/** In Kubernetes' order. */
const changing: readonly Plugin[] = [
  {
    name: 'LimitRanger',
    kinds: ['/Pod'],
    run: ({ object, old }, cluster) => {
      if (old === undefined) applyLimitRanges(object, limitRanges(object, cluster));
      return undefined;
    },
  },
  {
    name: 'TaintNodesByCondition',
    kinds: ['/Node'],
    run: ({ object, old }) => {
      if (old === undefined) taintNode(object);
      return undefined;
    },
  },
  {
    name: 'DefaultStorageClass',
    kinds: [claims],
    run: ({ object, old }, cluster) => {
      if (old === undefined) defaultStorageClass(object, cluster.all(storageClasses));
      return undefined;
    },
  },
  {
    name: 'StorageObjectInUseProtection',
    kinds: [claims, '/PersistentVolume'],
    run: ({ object, old }) => {
      const of = object.kind === 'PersistentVolume' ? 'pv' : 'pvc';
      if (old === undefined) protect(object, `kubernetes.io/${of}-protection`);
      return undefined;
    },
  },
  {
    name: 'RuntimeClass',
    kinds: ['/Pod'],
    run: ({ object, old }, cluster) =>
      old === undefined
        ? admitRuntimeClass(object, (name) => cluster.find(`/registry/runtimeclasses/${name}`))
        : undefined,
  },
  {
    name: 'DefaultIngressClass',
    kinds: ['networking.k8s.io/Ingress'],
    run: ({ object, old }, cluster) => {
      if (old === undefined) defaultIngressClass(object, cluster.all('/registry/ingressclasses/'));
      return undefined;
    },
  },
];

const judging: readonly Plugin[] = [
  {
    name: 'LimitRanger',
    kinds: ['/Pod', claims],
    run: ({ object, old }, cluster) =>
      old === undefined || object.kind !== 'Pod' || isResized(object, old)
        ? checkLimitRanges(object, limitRanges(object, cluster))
        : undefined,
  },
  {
    name: 'PodSecurity',
    kinds: ['/Pod'],
    run: ({ object, old }, cluster) => {
      const namespace = namespaceOf(object, cluster);
      if (!isJudged(namespace)) return undefined;
      return checkPod(object, old, namespace, (text) => cluster.warn(text));
    },
  },
  {
    name: 'PodSecurity',
    kinds: ['/Namespace'],
    run: ({ object, old }, cluster) => {
      const refused = checkNamespaceLabels(object, old);
      if (refused !== undefined || old === undefined || !isJudged(object)) return refused;
      const pods = () => cluster.all(`/registry/pods/${object.metadata.name}/`);
      warnOfExisting(object, old, pods, (text) => cluster.warn(text));
      return undefined;
    },
  },
  {
    name: 'PodSecurity',
    kinds: [
      ...['/ReplicationController', '/PodTemplate', 'batch/Job', 'batch/CronJob'],
      ...['apps/Deployment', 'apps/ReplicaSet', 'apps/StatefulSet', 'apps/DaemonSet'],
    ],
    run: ({ object }, cluster) => {
      const namespace = namespaceOf(object, cluster);
      if (isJudged(namespace)) warnOfWorkload(object, namespace, (text) => cluster.warn(text));
      return undefined;
    },
  },
  {
    name: 'CertificateSubjectRestriction',
    kinds: ['certificates.k8s.io/CertificateSigningRequest'],
    run: ({ object, old }) => (old === undefined ? restrictSubject(object) : undefined),
  },
  {
    name: 'PersistentVolumeClaimResize',
    kinds: [claims],
    run: ({ object, old }, cluster) => {
      if (old === undefined) return undefined;
      return checkResize(object, old, (name) => cluster.find(`${storageClasses}${name}`));
    },
  },
];

function byKind(plugins: readonly Plugin[]): ReadonlyMap<string, readonly Plugin[]> {
  const map = new Map<string, Plugin[]>();
  for (const plugin of plugins) {
    for (const kind of plugin.kinds) map.set(kind, [...(map.get(kind) ?? []), plugin]);
  }
  return map;
}

const phases = { change: byKind(changing), judge: byKind(judging) };

/** Runs one phase's plug-ins of the kind; the first refusal. `change` changes the object, which must be a copy. */
export function runPlugins(
  phase: keyof typeof phases,
  kind: Kind,
  asked: Asked,
  cluster: Cluster | undefined,
): StatusError | undefined {
  if (cluster === undefined || kind.custom !== undefined) return undefined;
  for (const { name, run } of phases[phase].get(`${kind.group}/${kind.kind}`) ?? []) {
    if (cluster.without.has(name)) continue;
    const refused = run(asked, cluster);
    if (refused !== undefined) return refused;
  }
  return undefined;
}
