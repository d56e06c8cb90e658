/** The description of a HorizontalPodAutoscaler. */
import { type JsonObject, numberOr, objectOr, objectsOf } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { longTime, type Writer } from './writer.ts';

function metric(out: Writer, wanted: JsonObject, current: JsonObject | undefined): void {
  const field = wanted['type'] === 'ContainerResource' ? 'containerResource' : 'resource';
  const source = objectOr(wanted[field]);
  if (source['name'] === undefined) {
    out.line(1, `<unknown metric type "${wanted['type']}">`);
    return;
  }
  const whose = source['container'] === undefined ? '' : ` of container "${source['container']}"`;
  const what = `resource ${source['name']}${whose} on pods`;
  const target = objectOr(source['target']);
  const found = objectOr(objectOr(current?.[field])['current']);
  if (target['averageValue'] !== undefined) {
    out.field(1, what, `${found['averageValue'] ?? '<unknown>'} / ${target['averageValue']}`);
    return;
  }
  const used =
    found['averageUtilization'] === undefined
      ? '<unknown>'
      : `${found['averageUtilization']}% (${found['averageValue']})`;
  const most = target['averageUtilization'];
  out.field(
    1,
    `${what}  (as a percentage of request)`,
    `${used} / ${most === undefined ? '<auto>' : `${most}%`}`,
  );
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
