/** Defaults of autoscaling, rbac, scheduling, admissionregistration, flowcontrol, apiextensions and apiregistration. */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { ensureObject, fill, fillNonZero } from './fill.ts';

const RBAC = 'rbac.authorization.k8s.io';
const HTTPS = 443;

export function defaultAutoscalerV1(autoscaler: KubeObject): void {
  fill(ensureObject(autoscaler, 'spec'), { minReplicas: 1 });
}

export function defaultAutoscaler(autoscaler: KubeObject): void {
  const spec = ensureObject(autoscaler, 'spec');
  fill(spec, { minReplicas: 1 });
  if (objectsOf(spec['metrics']).length === 0) {
    const target = { type: 'Utilization', averageUtilization: 80 };
    spec['metrics'] = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  const { behavior } = spec;
  if (!isObject(behavior)) return;
  const doubling = { type: 'Percent', value: 100, periodSeconds: 15 };
  const four = { type: 'Pods', value: 4, periodSeconds: 15 };
  fill(ensureObject(behavior, 'scaleUp'), {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [four, doubling],
  });
  fill(ensureObject(behavior, 'scaleDown'), { selectPolicy: 'Max', policies: [doubling] });
}

export function defaultRoleBinding(binding: KubeObject): void {
  fill(ensureObject(binding, 'roleRef'), { apiGroup: RBAC });
  for (const subject of objectsOf(binding['subjects'])) {
    if (subject['kind'] === 'User' || subject['kind'] === 'Group')
      fill(subject, { apiGroup: RBAC });
  }
}

export function defaultPriorityClass(priorityClass: KubeObject): void {
  fill(priorityClass, { preemptionPolicy: 'PreemptLowerPriority' });
}

/** `clientConfig` of a webhook or a conversion: the service's port. */
function defaultClient(client: unknown): void {
  const { service } = objectOr(client);
  if (isObject(service)) fill(service, { port: HTTPS });
}

function defaultMatching(resources: JsonObject): void {
  fill(resources, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} });
  const rules = [
    ...objectsOf(resources['resourceRules']),
    ...objectsOf(resources['excludeResourceRules']),
  ];
  for (const rule of rules) fill(rule, { scope: '*' });
}

export function defaultWebhooks(configuration: KubeObject): void {
  for (const webhook of objectsOf(configuration['webhooks'])) {
    fill(webhook, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
    });
    if (configuration.kind === 'MutatingWebhookConfiguration') {
      fill(webhook, { reinvocationPolicy: 'Never' });
    }
    for (const rule of objectsOf(webhook['rules'])) fill(rule, { scope: '*' });
    defaultClient(webhook['clientConfig']);
  }
}

export function defaultAdmissionPolicy(policy: KubeObject): void {
  const spec = ensureObject(policy, 'spec');
  fill(spec, { failurePolicy: 'Fail' });
  if (policy.kind === 'MutatingAdmissionPolicy') fill(spec, { reinvocationPolicy: 'Never' });
  if (isObject(spec['matchConstraints'])) defaultMatching(spec['matchConstraints']);
}

export function defaultPolicyBinding(binding: KubeObject): void {
  const { matchResources } = ensureObject(binding, 'spec');
  if (isObject(matchResources)) defaultMatching(matchResources);
}

export function defaultDefinition(definition: KubeObject): void {
  const spec = ensureObject(definition, 'spec');
  const names = ensureObject(spec, 'names');
  if (typeof names['kind'] === 'string' && names['kind'] !== '') {
    fill(names, { singular: names['kind'].toLowerCase(), listKind: `${names['kind']}List` });
  }
  const conversion = ensureObject(spec, 'conversion');
  fill(conversion, { strategy: 'None' });
  defaultClient(objectOr(conversion['webhook'])['clientConfig']);
}

export function defaultApiService(service: KubeObject): void {
  defaultClient(service['spec']);
}

export function defaultFlowSchema(schema: KubeObject): void {
  fillNonZero(ensureObject(schema, 'spec'), { matchingPrecedence: 1000 });
}

export function defaultPriorityLevel(level: KubeObject): void {
  const spec = ensureObject(level, 'spec');
  if (isObject(spec['exempt']))
    fill(spec['exempt'], { nominalConcurrencyShares: 0, lendablePercent: 0 });
  const { limited } = spec;
  if (!isObject(limited)) return;
  fill(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 });
  const { queuing } = objectOr(limited['limitResponse']);
  if (isObject(queuing)) fillNonZero(queuing, { handSize: 8, queues: 64, queueLengthLimit: 50 });
}
