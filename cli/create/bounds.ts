/** `bay create namespace`, `quota`, `poddisruptionbudget` and `priorityclass`. */
import type { ResourceType } from '#api/resources/meta.ts';
import { formatQuantity, parseQuantity } from '#api/resources/quantity.ts';
import { namespaces, podDisruptionBudgets } from '#api/resources/resource-types.ts';
import { type LabelRequirement, parseLabelSelector } from '#api/resources/selector.ts';
import { UsageError } from '../arguments.ts';
import { integerOf } from '../documents/flags.ts';
import { kindOf } from './kind.ts';

export const namespace = kindOf({
  type: namespaces,
  flags: {},
  make: ({ name }) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} }),
});

const quotas: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};

function limitOf(text: string): [string, string] {
  const parts = text.split('=');
  const [resource = '', amount = ''] = parts;
  if (parts.length !== 2) {
    throw new UsageError(`Invalid argument syntax ${text}, expected <resource>=<value>`);
  }
  try {
    return [resource, formatQuantity(parseQuantity(amount))];
  } catch (error) {
    throw new UsageError(`${text}: ${(error as Error).message}`);
  }
}

export const quota = kindOf({
  type: quotas,
  flags: { hard: { type: 'string' }, scopes: { type: 'string' } },
  make({ name, values: { hard = '', scopes = '' } }) {
    const limits = hard === '' ? undefined : Object.fromEntries(hard.split(',').map(limitOf));
    const spec = {
      ...(limits === undefined ? {} : { hard: limits }),
      ...(scopes === '' ? {} : { scopes: scopes.split(',') }),
    };
    return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec };
  },
});

const operators = { in: 'In', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' } as const;

function expressionOf({ key, operator, values }: LabelRequirement): object {
  const known = Object.hasOwn(operators, operator)
    ? operators[operator as keyof typeof operators]
    : undefined;
  if (known === undefined) {
    throw new UsageError(`"${operator}" is not a valid label selector operator`);
  }
  return { key, operator: known, ...(values.length === 0 ? {} : { values: [...values] }) };
}

/** `a=b,c in (d)` as a document has it. */
function labelSelector(text: string): object {
  const all = parseLabelSelector(text);
  const isLabel = ({ operator }: LabelRequirement) => operator === '=' || operator === '==';
  const labels = all.filter(isLabel).map(({ key, values }) => [key, values[0]]);
  const expressions = all.filter((one) => !isLabel(one)).map(expressionOf);
  return {
    ...(labels.length === 0 ? {} : { matchLabels: Object.fromEntries(labels) }),
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  };
}

/** A number, or a part of all. */
function countOf(text: string, flag: string): number | string {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^\d+%$/.test(text)) return text;
  throw new UsageError(`invalid format specified for ${flag}`);
}

export const podDisruptionBudget = kindOf({
  type: podDisruptionBudgets,
  flags: {
    selector: { type: 'string' },
    'min-available': { type: 'string' },
    'max-unavailable': { type: 'string' },
  },
  make({ name, values }) {
    const { selector = '', 'min-available': least = '', 'max-unavailable': most = '' } = values;
    if (selector === '') throw new UsageError('a selector must be specified');
    if (least === '' && most === '') {
      throw new UsageError('one of min-available or max-unavailable must be specified');
    }
    if (least !== '' && most !== '') {
      throw new UsageError('min-available and max-unavailable cannot be both specified');
    }
    const bound =
      least === ''
        ? { maxUnavailable: countOf(most, 'max-unavailable') }
        : { minAvailable: countOf(least, 'min-available') };
    const spec = { ...bound, selector: labelSelector(selector) };
    return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec };
  },
});

const priorityClasses: ResourceType = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  plural: 'priorityclasses',
  kind: 'PriorityClass',
  namespaced: false,
};

export const priorityClass = kindOf({
  type: priorityClasses,
  flags: {
    value: { type: 'string' },
    'global-default': { type: 'boolean' },
    description: { type: 'string' },
    'preemption-policy': { type: 'string' },
  },
  make({ name, values }) {
    const { description = '', 'global-default': isDefault = false } = values;
    return {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value: integerOf(values.value ?? '0', '--value'),
      ...(isDefault ? { globalDefault: true } : {}),
      ...(description === '' ? {} : { description }),
      preemptionPolicy: values['preemption-policy'] ?? 'PreemptLowerPriority',
    };
  },
});
