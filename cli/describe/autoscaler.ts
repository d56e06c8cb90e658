/** The description of a HorizontalPodAutoscaler. */
import { isObject, type JsonObject, numberOr, objectOr, objectsOf } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { longTime, type Writer } from './writer.ts';

/** Where a type of metric keeps its facts, and what it is called. */
const sources: Readonly<Record<string, readonly [string, (source: JsonObject) => string]>> = {
  External: ['external', named],
  Pods: ['pods', (source) => `${named(source)} on pods`],
  Object: [
    'object',
    (source) => {
      const { kind, name } = objectOr(source['describedObject']);
      return `${named(source)} on ${kind}/${name}`;
    },
  ],
  Resource: ['resource', ({ name }) => `resource ${name} on pods`],
  ContainerResource: [
    'containerResource',
    ({ name, container }) => `resource ${name} of container "${container}" on pods`,
  ],
};

function named(source: JsonObject): string {
  return JSON.stringify(objectOr(source['metric'])['name']);
}

/** One number of a metric: what is wanted, and what it is now. */
function amounts(found: JsonObject | undefined, target: JsonObject, field: string): string {
  const current = found === undefined ? '<unknown>' : (found[field] ?? '<nil>');
  return `${current} / ${target[field] ?? '<nil>'}`;
}

function utilization(found: JsonObject | undefined, target: JsonObject): string {
  const { averageUtilization: used, averageValue } = found ?? {};
  const most = target['averageUtilization'];
  return `${used === undefined ? '<unknown>' : `${used}% (${averageValue})`} / ${most === undefined ? '<auto>' : `${most}%`}`;
}

function metric(out: Writer, wanted: JsonObject, status: JsonObject | undefined): void {
  const type = String(wanted['type']);
  const [field, title] = sources[type] ?? [];
  if (field === undefined || title === undefined) {
    out.line(1, `<unknown metric type "${type}">`);
    return;
  }
  const source = objectOr(wanted[field]);
  const target = objectOr(source['target']);
  const current = status?.[field];
  const found = isObject(current) ? objectOr(current['current']) : undefined;
  const isAverage = target['averageValue'] !== undefined;
  const of = isAverage ? 'averageValue' : 'value';
  const what = title(source);
  if (type === 'Pods') out.field(1, what, amounts(found, target, 'averageValue'));
  else if (type === 'External' || type === 'Object') {
    const average = isAverage ? 'average ' : '';
    out.field(1, `${what} (target ${average}value)`, amounts(found, target, of));
  } else if (isAverage) out.field(1, what, amounts(found, target, of));
  else out.field(1, `${what}  (as a percentage of request)`, utilization(found, target));
}

function rules(out: Writer, title: string, given: unknown): void {
  if (given === undefined) return;
  const { stabilizationWindowSeconds, selectPolicy, policies } = objectOr(given);
  out.line(1, `${title}:`);
  if (stabilizationWindowSeconds !== undefined)
    out.line(2, `Stabilization Window: ${stabilizationWindowSeconds} seconds`);
  const all = objectsOf(policies);
  if (all.length === 0) return;
  out.line(2, `Select Policy: ${selectPolicy ?? 'Max'}`);
  out.line(2, 'Policies:');
  for (const { type, value, periodSeconds } of all)
    out.line(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`);
}

export function describeAutoscaler(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  const spec = objectOr(object['spec']);
  const status = objectOr(object['status']);
  const { kind, name } = objectOr(spec['scaleTargetRef']);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  out.field(0, 'CreationTimestamp', longTime(metadata.creationTimestamp));
  out.field(0, 'Reference', `${kind}/${name}`);
  out.field(0, 'Metrics', '( current / target )');
  const current = objectsOf(status['currentMetrics']);
  for (const [i, wanted] of objectsOf(spec['metrics']).entries()) metric(out, wanted, current[i]);
  out.field(0, 'Min replicas', spec['minReplicas'] ?? '<unset>');
  out.field(0, 'Max replicas', spec['maxReplicas']);
  if (spec['behavior'] !== undefined) {
    const { scaleUp, scaleDown } = objectOr(spec['behavior']);
    out.line(0, 'Behavior:');
    rules(out, 'Scale Up', scaleUp);
    rules(out, 'Scale Down', scaleDown);
  }
  const count = (field: string) => numberOr(status[field]);
  out.field(
    0,
    `${kind} pods`,
    `${count('currentReplicas')} current / ${count('desiredReplicas')} desired`,
  );
  const conditions = objectsOf(status['conditions']);
  if (conditions.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tReason\tMessage');
  out.line(1, '----\t------\t------\t-------');
  for (const { type, status: is, reason, message } of conditions)
    out.line(1, [type, is, reason, message].join('\t'));
}
