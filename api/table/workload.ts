/** Rows of the kinds that make pods. */
import { humanAge, humanDuration } from '#api/resources/duration.ts';
import { numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { controllerOf, type KubeObject } from '#api/resources/meta.ts';
import {
  type Cells,
  containerCells,
  countOf,
  isTrue,
  labelsText,
  NONE,
  selectorText,
  specOf,
  statusOf,
  templateCells,
  textOr,
  UNSET,
} from './cells.ts';

const selectorOf = (object: KubeObject): string => selectorText(specOf(object)['selector']);

/** Go's way to print a pointer to a bool. */
const boolText = (value: unknown): string => {
  if (typeof value !== 'boolean') return UNSET;
  return value ? 'True' : 'False';
};

export function deploymentCells(deployment: KubeObject): Cells {
  const status = statusOf(deployment);
  return {
    Ready: `${numberOr(status['readyReplicas'])}/${numberOr(specOf(deployment)['replicas'])}`,
    'Up-to-date': numberOr(status['updatedReplicas']),
    Available: numberOr(status['availableReplicas']),
    ...templateCells(deployment),
    Selector: selectorOf(deployment),
  };
}

export function replicaSetCells(replicaSet: KubeObject): Cells {
  const status = statusOf(replicaSet);
  return {
    Desired: numberOr(specOf(replicaSet)['replicas']),
    Current: numberOr(status['replicas']),
    Ready: numberOr(status['readyReplicas']),
    ...templateCells(replicaSet),
    Selector: selectorOf(replicaSet),
  };
}

export function replicationControllerCells(controller: KubeObject): Cells {
  return { ...replicaSetCells(controller), Selector: labelsText(specOf(controller)['selector']) };
}

export function statefulSetCells(statefulSet: KubeObject): Cells {
  const ready = numberOr(statusOf(statefulSet)['readyReplicas']);
  return {
    Ready: `${ready}/${numberOr(specOf(statefulSet)['replicas'])}`,
    ...templateCells(statefulSet),
  };
}

export function daemonSetCells(daemonSet: KubeObject): Cells {
  const status = statusOf(daemonSet);
  const { nodeSelector } = objectOr(objectOr(specOf(daemonSet)['template'])['spec']);
  return {
    Desired: numberOr(status['desiredNumberScheduled']),
    Current: numberOr(status['currentNumberScheduled']),
    Ready: numberOr(status['numberReady']),
    'Up-to-date': numberOr(status['updatedNumberScheduled']),
    Available: numberOr(status['numberAvailable']),
    'Node Selector': labelsText(nodeSelector),
    ...templateCells(daemonSet),
    Selector: selectorOf(daemonSet),
  };
}

/** The first condition that holds names a job's status. */
function jobStatus(job: KubeObject): string {
  if (isTrue(job, 'Complete')) return 'Complete';
  if (isTrue(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const type = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((one) => isTrue(job, one));
  return type ?? 'Running';
}

function completionsText(job: KubeObject): string {
  const { completions, parallelism } = specOf(job);
  const done = numberOr(statusOf(job)['succeeded']);
  if (typeof completions === 'number') return `${done}/${completions}`;
  return numberOr(parallelism) > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function durationText(job: KubeObject, now: Date): string {
  const { startTime, completionTime } = statusOf(job);
  if (typeof startTime !== 'string') return '';
  const end = typeof completionTime === 'string' ? Date.parse(completionTime) : now.getTime();
  return humanDuration(end - Date.parse(startTime));
}

export function jobCells(job: KubeObject, now: Date): Cells {
  return {
    Status: jobStatus(job),
    Completions: completionsText(job),
    Duration: durationText(job, now),
    ...templateCells(job),
    Selector: selectorOf(job),
  };
}

export function cronJobCells(cronJob: KubeObject, now: Date): Cells {
  const { schedule, timeZone, suspend, jobTemplate } = specOf(cronJob);
  const { active, lastScheduleTime } = statusOf(cronJob);
  const jobSpec = objectOr(objectOr(jobTemplate)['spec']);
  const { selector } = jobSpec;
  return {
    Schedule: stringOr(schedule),
    Timezone: textOr(timeZone, NONE),
    Suspend: boolText(suspend),
    Active: countOf(active),
    'Last Schedule': lastScheduleTime === undefined ? NONE : humanAge(lastScheduleTime, now),
    ...containerCells(objectOr(jobSpec['template'])['spec']),
    Selector: selectorText(selector),
  };
}

export function controllerRevisionCells(revision: KubeObject): Cells {
  const owner = controllerOf(revision);
  const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return {
    Controller: owner === undefined ? NONE : `${owner.kind.toLowerCase()}${group}/${owner.name}`,
    Revision: numberOr(revision['revision']),
  };
}

export function podTemplateCells(template: KubeObject): Cells {
  const inner = objectOr(template['template']);
  const labels = objectOr(inner['metadata'])['labels'];
  return { ...containerCells(inner['spec']), 'Pod Labels': labelsText(labels) };
}

const amount = (value: unknown): string => textOr(value, '0');
const percent = (value: unknown): string | undefined =>
  typeof value === 'number' ? `${value}%` : undefined;

/** `current/target` of one metric of an autoscaler. */
function metricText(spec: Record<string, unknown>, status: Record<string, unknown>): string {
  const type = stringOr(spec['type']);
  const field = `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  const source = objectOr(spec[field]);
  const target = objectOr(source['target']);
  const current = objectOr(objectOr(status[field])['current']);
  const [wanted, have] = [target['averageValue'], current['averageValue']];
  if (type === 'Resource' || type === 'ContainerResource') {
    const shown =
      wanted === undefined
        ? `${percent(current['averageUtilization']) ?? '<unknown>'}/${percent(target['averageUtilization']) ?? '<auto>'}`
        : `${textOr(have, '<unknown>')}/${amount(wanted)}`;
    return `${stringOr(source['name'])}: ${shown}`;
  }
  if (type === 'Pods') return `${textOr(have, '<unknown>')}/${amount(wanted)}`;
  if (type !== 'Object' && type !== 'External') return '<unknown type>';
  if (wanted !== undefined) return `${textOr(have, '<unknown>')}/${amount(wanted)} (avg)`;
  return `${textOr(current['value'], '<unknown>')}/${amount(target['value'])}`;
}

const SHOWN_METRICS = 2;

function metricsText(autoscaler: KubeObject): string {
  const statuses = objectsOf(statusOf(autoscaler)['currentMetrics']);
  const texts = objectsOf(specOf(autoscaler)['metrics']).map((spec, i) =>
    metricText(spec, statuses[i] ?? {}),
  );
  if (texts.length === 0) return NONE;
  const shown = texts.slice(0, SHOWN_METRICS).join(', ');
  const more = texts.length - SHOWN_METRICS;
  return more > 0 ? `${shown} + ${more} more...` : shown;
}

export function autoscalerCells(autoscaler: KubeObject): Cells {
  const { scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage } =
    specOf(autoscaler);
  const { currentReplicas, currentCPUUtilizationPercentage } = statusOf(autoscaler);
  const { kind, name } = objectOr(scaleTargetRef);
  const cpu = percent(targetCPUUtilizationPercentage);
  const now = percent(currentCPUUtilizationPercentage) ?? '<unknown>';
  return {
    Reference: `${stringOr(kind)}/${stringOr(name)}`,
    Targets: cpu === undefined ? metricsText(autoscaler) : `cpu: ${now}/${cpu}`,
    MinPods: textOr(minReplicas, UNSET),
    MaxPods: numberOr(maxReplicas),
    Replicas: numberOr(currentReplicas),
  };
}

export function disruptionBudgetCells(budget: KubeObject): Cells {
  const { minAvailable, maxUnavailable } = specOf(budget);
  return {
    'Min Available': textOr(minAvailable, 'N/A'),
    'Max Unavailable': textOr(maxUnavailable, 'N/A'),
    'Allowed Disruptions': numberOr(statusOf(budget)['disruptionsAllowed']),
  };
}
