/** The descriptions of namespaces, and of what bounds their content: quotas, limits, disruption budgets. */
import { type JsonObject, numberOr, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { discover } from '../discovery.ts';
import type { Subject } from './describe.ts';
import { longTime, pairsOf, selectorText, type Writer } from './writer.ts';

const scopeTexts: Readonly<Record<string, string>> = {
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort:
    'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
};

/** What the quota counts; `lead` stands before each explanation. */
function quotaScopes(out: Writer, level: number, object: KubeObject, lead: string): void {
  const { scopes } = objectOr(object['spec']);
  if (!Array.isArray(scopes) || scopes.length === 0) return;
  const sorted = scopes.map(String).sort();
  out.field(level, 'Scopes', sorted.join(', '));
  for (const scope of sorted) {
    const text = scopeTexts[scope];
    if (text !== undefined) out.line(level, `${lead}* ${text}`);
  }
}

function quotaRows(out: Writer, level: number, object: KubeObject): void {
  const { hard, used } = objectOr(object['status']);
  const amounts = objectOr(used);
  for (const [name, most] of pairsOf(hard))
    out.line(level, `${name}\t${amounts[name] ?? 0}\t${most}`);
}

export function describeResourceQuota(out: Writer, { object }: Subject): void {
  out.field(0, 'Name', object.metadata.name);
  out.field(0, 'Namespace', object.metadata.namespace ?? '');
  quotaScopes(out, 0, object, ' ');
  out.line(0, 'Resource\tUsed\tHard');
  out.line(0, '--------\t----\t----');
  quotaRows(out, 0, object);
}

const limitTitles = [
  'Type',
  'Resource',
  'Min',
  'Max',
  'Default Request',
  'Default Limit',
  'Max Limit/Request Ratio',
];
const limitFields = ['min', 'max', 'defaultRequest', 'default', 'maxLimitRequestRatio'];

function limitTable(out: Writer, limits: readonly JsonObject[], lead = ''): void {
  out.line(0, `${lead}${limitTitles.join('\t')}`);
  out.line(0, `${lead}${limitTitles.map((title) => '-'.repeat(title.length)).join('\t')}`);
  for (const limit of limits) {
    const parts = limitFields.map((field) => objectOr(limit[field]));
    const names = new Set(parts.flatMap((part) => Object.keys(part)));
    for (const name of [...names].sort()) {
      const cells = [limit['type'], name, ...parts.map((part) => part[name] ?? '-')];
      out.line(0, `${lead}${cells.join('\t')}`);
    }
  }
}

const limitsOf = (object: KubeObject): JsonObject[] => [
  ...objectsOf(objectOr(object['spec'])['limits']),
];

export function describeLimitRange(out: Writer, { object }: Subject): void {
  out.field(0, 'Name', object.metadata.name);
  out.field(0, 'Namespace', object.metadata.namespace ?? '');
  limitTable(out, limitsOf(object));
}

export async function describeNamespace(out: Writer, { client, object }: Subject): Promise<void> {
  const { name, labels, annotations } = object.metadata;
  const { phase, conditions } = objectOr(object['status']);
  out.field(0, 'Name', name);
  out.labels('Labels', labels);
  out.annotations('Annotations', annotations);
  out.field(0, 'Status', phase ?? '');
  const rows = objectsOf(conditions);
  if (rows.length > 0) {
    out.line(0, 'Conditions:');
    out.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage');
    out.line(1, '----\t------\t------------------\t------\t-------');
    for (const { type, status, lastTransitionTime, reason, message } of rows)
      out.line(1, [type, status, longTime(lastTransitionTime), reason, message].join('\t'));
  }
  const types = await discover(client);
  const all = async (kind: string): Promise<readonly KubeObject[]> => {
    const type: ResourceType | undefined = types.find(
      (one) => one.kind === kind && one.group === '',
    );
    if (type === undefined) return [];
    return (await client.collection<KubeObject>(type).list({ namespace: name })).items;
  };
  const [quotas, ranges] = await Promise.all([all('ResourceQuota'), all('LimitRange')]);
  out.line(0, quotas.length === 0 ? '\nNo resource quota.' : '\nResource Quotas');
  for (const quota of quotas) {
    out.field(1, 'Name', quota.metadata.name);
    quotaScopes(out, 1, quota, '');
    out.line(1, 'Resource\tUsed\tHard');
    out.line(1, '--------\t---\t---');
    quotaRows(out, 1, quota);
  }
  if (ranges.length === 0) out.line(0, '\nNo LimitRange resource.');
  else {
    out.line(0, '\nResource Limits');
    limitTable(out, ranges.flatMap(limitsOf), ' ');
  }
}

export function describeDisruptionBudget(out: Writer, { object }: Subject): void {
  const { minAvailable, maxUnavailable, selector } = objectOr(object['spec']);
  const status = objectOr(object['status']);
  out.field(0, 'Name', object.metadata.name);
  out.field(0, 'Namespace', object.metadata.namespace ?? '');
  if (minAvailable !== undefined) out.field(0, 'Min available', minAvailable);
  else if (maxUnavailable !== undefined) out.field(0, 'Max unavailable', maxUnavailable);
  out.field(0, 'Selector', selector === undefined ? '<unset>' : selectorText(selector));
  out.line(0, 'Status:');
  for (const [title, field] of [
    ['Allowed disruptions', 'disruptionsAllowed'],
    ['Current', 'currentHealthy'],
    ['Desired', 'desiredHealthy'],
    ['Total', 'expectedPods'],
  ] as const) {
    out.field(2, title, numberOr(status[field]));
  }
}
