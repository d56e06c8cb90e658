/** Autoscalers, budgets, classes (`apis/autoscaling`, `policy`, `scheduling`, `storage`, `node`). */
import { equalJson, isObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { labelProblems, qualifiedNameProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkCountOrShare,
  checkName,
  checkOneOf,
  forbiddenField,
  invalidValue,
  required,
} from './causes.ts';
import { checkSelector } from './label-selector.ts';

export function checkAutoscaler(autoscaler: KubeObject): StatusCause[] {
  const spec = objectOr(autoscaler['spec']);
  const { minReplicas = 1, maxReplicas = 0 } = spec;
  const target = objectOr(spec['scaleTargetRef']);
  const causes = ['kind', 'name']
    .filter((part) => stringOr(target[part]) === '')
    .map((part) => required(`spec.scaleTargetRef.${part}`));
  if (Number(minReplicas) < 1) {
    const detail = 'must be greater than or equal to 1';
    causes.push(invalidValue('spec.minReplicas', minReplicas, detail));
  }
  if (Number(maxReplicas) < 1) {
    causes.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  } else if (Number(maxReplicas) < Number(minReplicas)) {
    const detail = 'must be greater than or equal to `minReplicas`';
    causes.push(invalidValue('spec.maxReplicas', maxReplicas, detail));
  }
  return causes;
}

export function checkDisruptionBudget(budget: KubeObject): StatusCause[] {
  const spec = objectOr(budget['spec']);
  const { minAvailable, maxUnavailable } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    return [invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set')];
  }
  return [
    ...checkCountOrShare('spec.minAvailable', minAvailable),
    ...checkCountOrShare('spec.maxUnavailable', maxUnavailable),
    ...checkSelector('spec.selector', spec['selector']),
  ];
}

const SYSTEM_PREFIX = 'system-';
const SYSTEM_CLASSES = ['system-cluster-critical', 'system-node-critical'];
/** Above this only the system's own classes are. */
const HIGHEST_PRIORITY = 1_000_000_000;

export function checkPriorityClass(priorityClass: KubeObject): StatusCause[] {
  const { name } = priorityClass.metadata;
  const { value = 0, preemptionPolicy } = priorityClass;
  const policies = ['Never', 'PreemptLowerPriority'];
  const causes = checkOneOf('preemptionPolicy', preemptionPolicy, policies);
  if (SYSTEM_CLASSES.includes(name)) return causes;
  if (name?.startsWith(SYSTEM_PREFIX)) {
    const detail =
      "priority class names with 'system-' prefix are reserved for system use only. error: " +
      `'${name}' is not a known system priority class`;
    causes.push(forbiddenField('metadata.name', detail));
  }
  if (Number(value) > HIGHEST_PRIORITY) {
    const detail = `maximum allowed value of a user defined priority is ${HIGHEST_PRIORITY}`;
    causes.push(forbiddenField('value', detail));
  }
  return causes;
}

export function checkPriorityClassUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  const causes =
    now['value'] === old['value']
      ? []
      : [forbiddenField('value', 'may not be changed in an update.')];
  if (now['preemptionPolicy'] === old['preemptionPolicy']) return causes;
  return [
    ...causes,
    invalidValue('preemptionPolicy', now['preemptionPolicy'], 'field is immutable'),
  ];
}

export function checkStorageClass(storageClass: KubeObject): StatusCause[] {
  const { provisioner, reclaimPolicy, volumeBindingMode } = storageClass;
  return [
    ...checkName('provisioner', provisioner, (name) => qualifiedNameProblems(name.toLowerCase())),
    ...checkOneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
    ...checkOneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
  ];
}

export function checkStorageClassUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  return ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode']
    .filter((field) => !equalJson(now[field] ?? null, old[field] ?? null))
    .map((field) =>
      field === 'volumeBindingMode'
        ? invalidValue(field, now[field], 'field is immutable')
        : forbiddenField(field, `updates to ${field} are forbidden.`),
    );
}

export function checkRuntimeClass(runtimeClass: KubeObject): StatusCause[] {
  return checkName('handler', runtimeClass['handler'], labelProblems);
}

export function checkRuntimeClassUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  if (now['handler'] === old['handler']) return [];
  return [invalidValue('handler', now['handler'], 'field is immutable')];
}

/** Webhooks must be reachable somewhere, and say what they do beside answering. */
export function checkWebhooks(configuration: KubeObject): StatusCause[] {
  const { webhooks } = configuration;
  const list = Array.isArray(webhooks) ? webhooks.map(objectOr) : [];
  return list.flatMap((webhook, i) => {
    const at = `webhooks[${i}]`;
    const { url, service } = objectOr(webhook['clientConfig']);
    const versions = webhook['admissionReviewVersions'];
    const both = isObject(service) === (stringOr(url) !== '');
    return [
      ...(stringOr(webhook['name']) === '' ? [required(`${at}.name`)] : []),
      ...(stringOr(webhook['sideEffects']) === ''
        ? [required(`${at}.sideEffects`, 'must specify one of None, NoneOnDryRun')]
        : checkOneOf(`${at}.sideEffects`, webhook['sideEffects'], ['None', 'NoneOnDryRun'])),
      ...(Array.isArray(versions) && versions.length > 0
        ? []
        : [required(`${at}.admissionReviewVersions`, 'must specify one of v1, v1beta1')]),
      ...(both
        ? [required(`${at}.clientConfig`, 'exactly one of url or service is required')]
        : []),
      ...checkOneOf(`${at}.failurePolicy`, webhook['failurePolicy'], ['Fail', 'Ignore']),
    ];
  });
}
