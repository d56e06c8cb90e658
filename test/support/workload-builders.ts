/** Workloads for tests, with the defaults that the API server would have filled in. */
import { randomUUID } from 'node:crypto';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Job,
  Pod,
  PodTemplateSpec,
  StatefulSet,
} from '#api/resources/types.ts';
import { aPod } from './builders.ts';

const templateFor = (name: string, spec = {}): PodTemplateSpec =>
  ({
    metadata: { labels: { app: name } },
    spec: { ...aPod(name).spec, ...spec },
  }) as unknown as PodTemplateSpec;

export function aStatefulSet(name: string, replicas: number, spec = {}): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: templateFor(name),
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  };
}

export function aDaemonSet(name: string, spec = {}, podSpec = {}): DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: name } },
      template: templateFor(name, podSpec),
      updateStrategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
      } as never,
      revisionHistoryLimit: 10,
      ...spec,
    },
  };
}

export function aJob(name: string, spec = {}, podSpec = {}, uid: string = randomUUID()): Job {
  const labels = { 'batch.kubernetes.io/controller-uid': uid, 'job-name': name };
  const template = templateFor(name, { restartPolicy: 'Never', ...podSpec });
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default', uid },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { ...template, metadata: { labels } } as never,
      ...spec,
    },
  };
}

export function aCronJob(name: string, schedule: string, spec = {}): CronJob {
  const { selector: _, ...jobSpec } = aJob(name).spec as NonNullable<Job['spec']>;
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name, namespace: 'default' },
    spec: {
      schedule,
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        metadata: { labels: { cron: name } } as never,
        spec: { ...jobSpec, template: templateFor(name, { restartPolicy: 'Never' }) } as never,
      },
      ...spec,
    },
  };
}

/** The object with another image in its template. */
export function imaged<T extends { spec?: { template?: PodTemplateSpec } }>(
  object: T,
  image: string,
): T {
  const copy = structuredClone(object);
  const container = copy.spec?.template?.spec?.containers[0];
  if (container !== undefined) container.image = image;
  return copy;
}

/** For `patch(…, 'strategic')`. */
export const imagePatch = (image: string) => ({
  spec: { template: { spec: { containers: [{ name: 'main', image }] } } },
});

/** A pod that runs (or not yet) and is ready, owned by the object. */
export function owned(
  owner: StatefulSet | DaemonSet | Job,
  name: string,
  { phase = 'Running', ready = phase === 'Running', labels = {}, ...more } = {} as {
    phase?: string;
    ready?: boolean;
    labels?: Record<string, string>;
    node?: string;
    since?: string;
  },
): Pod {
  const pod = aPod(name, {}, owner.spec?.template.metadata?.labels as { app: string });
  const lastTransitionTime = more.since ?? '2030-01-01T00:00:00Z';
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid: `uid-${name}`,
      creationTimestamp: '2030-01-01T00:00:00Z',
      labels: { ...pod.metadata.labels, ...labels },
      ownerReferences: [ownerReferenceTo(owner)],
    },
    spec: { ...pod.spec, ...(more.node ? { nodeName: more.node } : {}) } as NonNullable<
      Pod['spec']
    >,
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }],
    } as NonNullable<Pod['status']>,
  };
}

export const namesOf = (objects: readonly (Pod | ControllerRevision | Job)[]): string[] =>
  objects.map(({ metadata }) => metadata.name);
