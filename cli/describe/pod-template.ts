/** The template of a workload's pods. */
import { objectOr, objectsOf } from '#api/resources/json.ts';
import { describeContainers } from './containers.ts';
import { spread, tolerations } from './placement.ts';
import { describeVolumes } from './volumes.ts';
import type { Writer } from './writer.ts';

export function describePodTemplate(out: Writer, template: unknown): void {
  const { metadata, spec } = objectOr(template);
  const { labels, annotations } = objectOr(metadata);
  const pod = objectOr(spec);
  out.line(0, 'Pod Template:');
  out.labels('  Labels', labels);
  if (Object.keys(objectOr(annotations)).length > 0) out.annotations('  Annotations', annotations);
  out.optional(1, 'Service Account', pod['serviceAccountName']);
  const init = objectsOf(pod['initContainers']);
  if (init.length > 0) describeContainers(out, 'Init Containers', init, undefined, '  ');
  describeContainers(out, 'Containers', objectsOf(pod['containers']), undefined, '  ');
  describeVolumes(out, objectsOf(pod['volumes']), '  ');
  spread(out, objectsOf(pod['topologySpreadConstraints']), '  ');
  out.optional(1, 'Priority Class Name', pod['priorityClassName']);
  out.labels('  Node-Selectors', pod['nodeSelector']);
  tolerations(out, '  Tolerations', objectsOf(pod['tolerations']));
}
