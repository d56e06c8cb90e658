/** Defaults of the kinds that make pods (`apps/v1/defaults.go`, `batch/v1/defaults.go`, `core/v1/defaults.go`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { ensureObject, fill, isUnset } from './fill.ts';
import { defaultPodSpec, defaultTemplate } from './pod.ts';
import { defaultClaim } from './storage.ts';

export function defaultDeployment(deployment: KubeObject): void {
  const spec = ensureObject(deployment, 'spec');
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = ensureObject(spec, 'strategy');
  fill(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate') {
    fill(ensureObject(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' });
  }
  defaultTemplate(spec);
}

export function defaultReplicaSet(replicaSet: KubeObject): void {
  const spec = ensureObject(replicaSet, 'spec');
  fill(spec, { replicas: 1 });
  defaultTemplate(spec);
}

export function defaultDaemonSet(daemonSet: KubeObject): void {
  const spec = ensureObject(daemonSet, 'spec');
  fill(spec, { revisionHistoryLimit: 10 });
  const strategy = ensureObject(spec, 'updateStrategy');
  fill(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate') {
    fill(ensureObject(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
  }
  defaultTemplate(spec);
}

export function defaultStatefulSet(statefulSet: KubeObject): void {
  const spec = ensureObject(statefulSet, 'spec');
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady' });
  const strategy = ensureObject(spec, 'updateStrategy');
  fill(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate') {
    fill(ensureObject(strategy, 'rollingUpdate'), { partition: 0 });
  }
  fill(ensureObject(spec, 'persistentVolumeClaimRetentionPolicy'), {
    whenDeleted: 'Retain',
    whenScaled: 'Retain',
  });
  for (const claim of objectsOf(spec['volumeClaimTemplates'])) {
    fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' });
    defaultClaim(claim);
  }
  defaultTemplate(spec);
}

/** As many retries as an int32 can count: with a limit an index, the whole job has none of its own. */
const NO_BACKOFF_LIMIT = 2 ** 31 - 1;

function defaultJobSpec(spec: JsonObject): void {
  const { completions, parallelism, backoffLimitPerIndex } = spec;
  if (isUnset(completions) && isUnset(parallelism)) spec['completions'] = 1;
  fill(spec, {
    parallelism: 1,
    backoffLimit: isUnset(backoffLimitPerIndex) ? 6 : NO_BACKOFF_LIMIT,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: isObject(spec['podFailurePolicy']) ? 'Failed' : 'TerminatingOrFailed',
  });
  for (const rule of objectsOf(objectOr(spec['podFailurePolicy'])['rules'])) {
    for (const pattern of objectsOf(rule['onPodConditions'])) fill(pattern, { status: 'True' });
  }
}

export function defaultJob(job: KubeObject): void {
  const spec = ensureObject(job, 'spec');
  defaultJobSpec(spec);
  defaultTemplate(spec);
  const { labels } = objectOr(objectOr(spec['template'])['metadata']);
  if (Object.keys(job.metadata.labels ?? {}).length === 0 && isObject(labels)) {
    job.metadata.labels = { ...(labels as Record<string, string>) };
  }
}

export function defaultCronJob(cronJob: KubeObject): void {
  const spec = ensureObject(cronJob, 'spec');
  fill(spec, {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  // The job's own defaults come when the job is made of the template.
  defaultTemplate(objectOr(spec['jobTemplate'])['spec']);
}

export function defaultReplicationController(controller: KubeObject): void {
  const spec = ensureObject(controller, 'spec');
  const { labels } = objectOr(objectOr(spec['template'])['metadata']);
  if (isObject(labels)) {
    const given = labels as Record<string, string>;
    if (Object.keys(objectOr(spec['selector'])).length === 0) spec['selector'] = { ...given };
    if (Object.keys(controller.metadata.labels ?? {}).length === 0) {
      controller.metadata.labels = { ...given };
    }
  }
  defaultTemplate(spec);
}

export function defaultPodTemplate(template: KubeObject): void {
  const inner = template['template'];
  if (isObject(inner)) defaultPodSpec(ensureObject(inner, 'spec'));
}
