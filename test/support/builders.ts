/** Objects for tests, with as little as makes them valid. */
import type { Deployment, Node, Pod, PodSpec, ReplicaSet } from '#api/resources/types.ts';

export function aPod(name: string, spec: Partial<PodSpec> = {}, labels = { app: name }): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
  };
}

/** A pod whose one container asks for this. */
export const asking = (name: string, requests: Record<string, string>, spec = {}): Pod =>
  aPod(name, {
    containers: [{ name: 'main', image: 'busybox', resources: { requests } }],
    ...spec,
  });

export function aNode(
  name: string,
  allocatable: Record<string, string> = {},
  more: { labels?: Record<string, string>; spec?: Node['spec']; ready?: string } = {},
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    ...(more.spec === undefined ? {} : { spec: more.spec }),
    status: {
      allocatable: { cpu: '2', memory: '4Gi', pods: '110', ...allocatable },
      conditions: [{ type: 'Ready', status: more.ready ?? 'True' }],
    },
  };
}

export function aReplicaSet(name: string, replicas: number, spec = {}): ReplicaSet {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { name: '', labels }, spec: aPod(name).spec },
      ...spec,
    } as NonNullable<ReplicaSet['spec']>,
  };
}

export function aDeployment(name: string, replicas: number, spec = {}): Deployment {
  return {
    ...(aReplicaSet(name, replicas) as unknown as Deployment),
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      ...(aReplicaSet(name, replicas).spec as NonNullable<Deployment['spec']>),
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
      },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  };
}
