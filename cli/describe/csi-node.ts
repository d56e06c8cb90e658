/** The description of a CSINode: which drivers of volumes a node has. */
import { isObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { longTime, type Writer } from './writer.ts';

export function describeCsiNode(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  out.field(0, 'Name', metadata.name);
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  out.field(0, 'CreationTimestamp', longTime(metadata.creationTimestamp));
  out.line(0, 'Spec:');
  const drivers = objectsOf(objectOr(object['spec'])['drivers']);
  if (drivers.length > 0) out.line(1, 'Drivers:');
  for (const { name, nodeID, allocatable, topologyKeys } of drivers) {
    out.line(2, `${name}:`);
    out.field(3, 'Node ID', nodeID);
    if (isObject(allocatable) && allocatable['count'] !== undefined) {
      out.line(3, 'Allocatables:');
      out.field(4, 'Count', allocatable['count']);
    }
    if (Array.isArray(topologyKeys) && topologyKeys.length > 0)
      out.field(3, 'Topology Keys', `[${topologyKeys.join(' ')}]`);
  }
}
