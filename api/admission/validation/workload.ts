/** The kinds of apps/v1 and core's ReplicationController (`apis/apps/validation`). */
import {
  equalJson,
  isObject,
  type JsonObject,
  objectOr,
  objectsOf,
  stringOr,
} from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { matchesLabels, requireLabels } from '#api/resources/selector.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkCountOrShare,
  checkNotNegative,
  checkOneOf,
  forbiddenField,
  goMap,
  invalidShown,
  invalidValue,
  notSupported,
  required,
} from './causes.ts';
import { checkOwnSelector, checkSelectorUnchanged } from './label-selector.ts';
import { checkLabels } from './metadata.ts';
import { checkPodSpec } from './pod.ts';

const specOf = (object: KubeObject): JsonObject => objectOr(object['spec']);

/** A template's pods: valid by themselves, and of one of these restart policies. */
export function checkTemplate(
  field: string,
  template: unknown,
  restartPolicies: readonly string[],
  claimed: readonly string[] = [],
): StatusCause[] {
  if (!isObject(template)) return [required(field)];
  const spec = objectOr(template['spec']);
  const policy = stringOr(spec['restartPolicy']);
  const causes = [
    ...checkLabels(`${field}.metadata.labels`, objectOr(template['metadata'])['labels']),
    ...checkPodSpec(`${field}.spec`, spec, claimed),
  ];
  if (!restartPolicies.includes(policy)) {
    causes.push(notSupported(`${field}.spec.restartPolicy`, policy, restartPolicies));
  }
  return causes;
}

/** Pods that are meant to stay. */
function checkLastingTemplate(spec: JsonObject): StatusCause[] {
  const claims = objectsOf(spec['volumeClaimTemplates']);
  const claimed = claims.map((claim) => stringOr(objectOr(claim['metadata'])['name']));
  const causes = checkTemplate('spec.template', spec['template'], ['Always'], claimed);
  const { activeDeadlineSeconds } = objectOr(objectOr(spec['template'])['spec']);
  if (activeDeadlineSeconds === undefined) return causes;
  const field = 'spec.template.spec.activeDeadlineSeconds';
  return [...causes, forbiddenField(field, 'activeDeadlineSeconds in ReplicaSet is not Supported')];
}

const checkCounts = (spec: JsonObject, ...names: string[]): StatusCause[] =>
  names.flatMap((name) => checkNotNegative(`spec.${name}`, spec[name]));

/** Both zero would let a rolling update do nothing for ever. */
function checkRolling(field: string, rolling: JsonObject): StatusCause[] {
  const { maxUnavailable, maxSurge } = rolling;
  const causes = [
    ...checkCountOrShare(`${field}.maxUnavailable`, maxUnavailable),
    ...checkCountOrShare(`${field}.maxSurge`, maxSurge),
  ];
  const zero = (value: unknown): boolean => value === 0 || value === '0%';
  if (causes.length > 0 || !zero(maxUnavailable) || !zero(maxSurge)) return causes;
  const detail = 'may not be 0 when `maxSurge` is 0';
  return [invalidValue(`${field}.maxUnavailable`, maxUnavailable, detail)];
}

function checkStrategy(strategy: JsonObject): StatusCause[] {
  const { type, rollingUpdate } = strategy;
  const causes = checkOneOf('spec.strategy.type', type, ['Recreate', 'RollingUpdate']);
  if (type === 'Recreate' && isObject(rollingUpdate)) {
    const detail = "may not be specified when strategy `type` is 'Recreate'";
    causes.push(forbiddenField('spec.strategy.rollingUpdate', detail));
  }
  if (type === 'RollingUpdate') {
    causes.push(...checkRolling('spec.strategy.rollingUpdate', objectOr(rollingUpdate)));
  }
  return causes;
}

export function checkDeployment(deployment: KubeObject): StatusCause[] {
  const spec = specOf(deployment);
  const { minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec;
  const causes = [
    ...checkCounts(spec, 'replicas', 'minReadySeconds', 'revisionHistoryLimit'),
    ...checkOwnSelector(spec, 'deployment'),
    ...checkStrategy(objectOr(spec['strategy'])),
    ...checkLastingTemplate(spec),
    ...checkCounts(spec, 'progressDeadlineSeconds'),
  ];
  if (typeof deadline === 'number' && deadline <= Number(minReadySeconds)) {
    const detail = 'must be greater than minReadySeconds';
    causes.push(invalidValue('spec.progressDeadlineSeconds', deadline, detail));
  }
  return causes;
}

export function checkReplicaSet(replicaSet: KubeObject): StatusCause[] {
  const spec = specOf(replicaSet);
  return [
    ...checkCounts(spec, 'replicas', 'minReadySeconds'),
    ...checkOwnSelector(spec, 'replicaset'),
    ...checkLastingTemplate(spec),
  ];
}

/** Either a pod goes before the next comes, or it comes before: one of the two is 0. */
function checkDaemonRolling(field: string, { maxUnavailable, maxSurge }: JsonObject) {
  const causes = [
    ...checkCountOrShare(`${field}.maxUnavailable`, maxUnavailable),
    ...checkCountOrShare(`${field}.maxSurge`, maxSurge),
  ];
  if (causes.length > 0) return causes;
  const isSet = (value: unknown): boolean => Number.parseInt(String(value ?? 0), 10) !== 0;
  if (isSet(maxUnavailable) && isSet(maxSurge)) {
    const detail = 'may not be set when maxUnavailable is non-zero';
    return [invalidValue(`${field}.maxSurge`, maxSurge, detail)];
  }
  if (isSet(maxUnavailable) || isSet(maxSurge)) return [];
  return [required(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')];
}

export function checkDaemonSet(daemonSet: KubeObject): StatusCause[] {
  const spec = specOf(daemonSet);
  const { type, rollingUpdate } = objectOr(spec['updateStrategy']);
  return [
    ...checkOwnSelector(spec, 'daemonset'),
    ...checkLastingTemplate(spec),
    ...checkCounts(spec, 'minReadySeconds', 'revisionHistoryLimit'),
    ...checkOneOf('spec.updateStrategy.type', type, ['OnDelete', 'RollingUpdate']),
    ...(type === 'RollingUpdate'
      ? checkDaemonRolling('spec.updateStrategy.rollingUpdate', objectOr(rollingUpdate))
      : []),
  ];
}

function checkRetention(policy: JsonObject): StatusCause[] {
  const field = 'spec.persistentVolumeClaimRetentionPolicy';
  return ['whenDeleted', 'whenScaled'].flatMap((name) =>
    checkOneOf(`${field}.${name}`, policy[name] ?? 'Retain', ['Delete', 'Retain']),
  );
}

/** A share of no pods, or none at all, would never update anything. */
function checkAway(field: string, value: unknown): StatusCause[] {
  if (value === 0 || value === '0%') return [invalidValue(field, value, 'cannot be 0')];
  return checkCountOrShare(field, value);
}

export function checkStatefulSet(statefulSet: KubeObject): StatusCause[] {
  const spec = specOf(statefulSet);
  const { type, rollingUpdate } = objectOr(spec['updateStrategy']);
  const { partition, maxUnavailable } = objectOr(rollingUpdate);
  const field = 'spec.updateStrategy';
  return [
    ...checkOneOf('spec.podManagementPolicy', spec['podManagementPolicy'], [
      'OrderedReady',
      'Parallel',
    ]),
    ...checkOneOf(`${field}.type`, type, ['OnDelete', 'RollingUpdate']),
    ...checkNotNegative(`${field}.rollingUpdate.partition`, partition),
    ...checkAway(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...checkCounts(spec, 'replicas', 'minReadySeconds', 'revisionHistoryLimit'),
    ...checkNotNegative('spec.ordinals.start', objectOr(spec['ordinals'])['start']),
    ...checkRetention(objectOr(spec['persistentVolumeClaimRetentionPolicy'])),
    ...checkOwnSelector(spec, 'statefulset'),
    ...checkLastingTemplate(spec),
  ];
}

/** The selector of apps/v1 stays for the workload's life: pods must not be lost to their owner. */
export function checkSelectorUpdate(object: KubeObject, old: KubeObject): StatusCause[] {
  return checkSelectorUnchanged(specOf(object), specOf(old));
}

const SET_UPDATABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function checkStatefulSetUpdate(object: KubeObject, old: KubeObject): StatusCause[] {
  const fixed = (spec: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(spec).filter(([name]) => !SET_UPDATABLE.includes(name)));
  if (equalJson(fixed(specOf(object)), fixed(specOf(old)))) return [];
  const names = SET_UPDATABLE.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return [
    forbiddenField(
      'spec',
      `updates to statefulset spec for fields other than ${list} are forbidden`,
    ),
  ];
}

export function checkReplicationController(controller: KubeObject): StatusCause[] {
  const spec = specOf(controller);
  const selector = objectOr(spec['selector']) as Record<string, string>;
  const labels = objectOr(objectOr(objectOr(spec['template'])['metadata'])['labels']);
  const causes = [
    ...checkCounts(spec, 'replicas', 'minReadySeconds'),
    ...checkLabels('spec.selector', selector),
  ];
  if (Object.keys(selector).length === 0) causes.push(required('spec.selector'));
  else if (!matchesLabels(requireLabels(selector), labels as Record<string, string>)) {
    const detail = '`selector` does not match template `labels`';
    causes.push(invalidShown('spec.template.metadata.labels', goMap(labels), detail));
  }
  return [...causes, ...checkLastingTemplate(spec)];
}
