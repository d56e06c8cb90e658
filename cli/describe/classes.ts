/** The descriptions of small kinds of the whole cluster: classes, and the addresses of services. */
import { isObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { inline, longTime, type Writer } from './writer.ts';

function head(out: Writer, { object: { metadata } }: Subject): void {
  out.field(0, 'Name', metadata.name);
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
}

export function describePriorityClass(out: Writer, { object }: Subject): void {
  out.field(0, 'Name', object.metadata.name);
  out.field(0, 'Value', object['value'] ?? 0);
  out.field(0, 'GlobalDefault', object['globalDefault'] === true);
  out.field(0, 'PreemptionPolicy', object['preemptionPolicy'] ?? 'PreemptLowerPriority');
  out.field(0, 'Description', stringOr(object['description']));
  out.field(0, 'Annotations', inline(object.metadata.annotations));
}

export function describeIngressClass(out: Writer, subject: Subject): void {
  const { controller, parameters } = objectOr(subject.object['spec']);
  head(out, subject);
  out.field(0, 'Controller', controller ?? '');
  if (!isObject(parameters)) return;
  out.line(0, 'Parameters:');
  if (parameters['apiGroup'] !== undefined) out.field(1, 'APIGroup', parameters['apiGroup']);
  out.field(1, 'Kind', parameters['kind']);
  out.field(1, 'Name', parameters['name']);
}

export function describeServiceCidr(out: Writer, subject: Subject): void {
  const { cidrs } = objectOr(subject.object['spec']);
  head(out, subject);
  out.field(0, 'CIDRs', ((cidrs as string[] | undefined) ?? []).join(', '));
  const conditions = objectsOf(objectOr(subject.object['status'])['conditions']);
  if (conditions.length === 0) return;
  out.line(0, 'Status:');
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage');
  out.line(1, '----\t------\t------------------\t------\t-------');
  for (const { type, status, lastTransitionTime, reason, message } of conditions)
    out.line(1, [type, status, longTime(lastTransitionTime), reason, message ?? ''].join('\t'));
}

export function describeIpAddress(out: Writer, subject: Subject): void {
  const { parentRef } = objectOr(subject.object['spec']);
  head(out, subject);
  if (!isObject(parentRef)) return;
  out.line(0, 'Parent Reference:');
  for (const title of ['Group', 'Resource', 'Namespace', 'Name'])
    out.field(1, title, stringOr(parentRef[title.toLowerCase()]));
}
