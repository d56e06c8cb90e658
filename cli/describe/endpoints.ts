/** The descriptions of Endpoints and of EndpointSlices. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import type { Writer } from './writer.ts';

const unset = '<unset>';

function head(out: Writer, { object: { metadata } }: Subject): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
}

function portRows(out: Writer, level: number, ports: readonly JsonObject[]): void {
  out.line(level, 'Name\tPort\tProtocol');
  out.line(level, '----\t----\t--------');
  for (const { name, port, protocol } of ports)
    out.line(level, `${stringOr(name) || unset}\t${port ?? unset}\t${protocol}`);
}

const addresses = (list: unknown): string =>
  objectsOf(list)
    .map(({ ip }) => ip)
    .join(',') || '<none>';

export function describeEndpoints(out: Writer, subject: Subject): void {
  head(out, subject);
  out.line(0, 'Subsets:');
  for (const subset of objectsOf(subject.object['subsets'])) {
    out.field(1, 'Addresses', addresses(subset['addresses']));
    out.field(1, 'NotReadyAddresses', addresses(subset['notReadyAddresses']));
    const ports = objectsOf(subset['ports']);
    if (ports.length > 0) {
      out.line(1, 'Ports:');
      portRows(out, 2, ports);
    }
    out.line(0, '');
  }
}

function endpoint(out: Writer, one: JsonObject): void {
  out.field(1, '- Addresses', ((one['addresses'] as string[] | undefined) ?? []).join(', '));
  out.line(2, 'Conditions:');
  out.field(3, 'Ready', objectOr(one['conditions'])['ready'] ?? unset);
  out.field(2, 'Hostname', one['hostname'] ?? unset);
  if (isObject(one['targetRef'])) {
    const { kind, name } = one['targetRef'];
    out.field(2, 'TargetRef', `${kind}/${name}`);
  }
  out.field(2, 'NodeName', one['nodeName'] ?? unset);
  out.field(2, 'Zone', one['zone'] ?? unset);
}

export function describeEndpointSlice(out: Writer, subject: Subject): void {
  const { object } = subject;
  head(out, subject);
  out.field(0, 'AddressType', object['addressType']);
  const ports = objectsOf(object['ports']);
  out.line(0, ports.length === 0 ? `Ports: ${unset}` : 'Ports:');
  if (ports.length > 0) portRows(out, 1, ports);
  const all = objectsOf(object['endpoints']);
  out.line(0, all.length === 0 ? 'Endpoints: <none>' : 'Endpoints:');
  for (const one of all) endpoint(out, one);
}
