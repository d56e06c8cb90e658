/** The descriptions of ReplicaSets, ReplicationControllers, StatefulSets and DaemonSets. */
import type { RemoteClient } from '#api/client/client.ts';
import { type JsonObject, numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { controllerOf, type KubeObject } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { describeConditions } from './any-kind.ts';
import type { Subject } from './describe.ts';
import { describeController } from './pod.ts';
import { describePodTemplate } from './pod-template.ts';
import { inline, longTime, selectorText, type Writer } from './writer.ts';

/** `2 Running / 0 Waiting / 1 Succeeded / 0 Failed`. */
async function podCounts(client: RemoteClient, { metadata }: KubeObject): Promise<string> {
  const { namespace = 'default', uid } = metadata;
  const { items } = await client.collection<KubeObject>(pods).list({ namespace });
  const phases = items
    .filter((one) => controllerOf(one)?.uid === uid)
    .map((one) => stringOr(objectOr(one['status'])['phase']));
  const count = (phase: string) => phases.filter((one) => one === phase).length;
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`;
}

function head(out: Writer, { metadata }: KubeObject): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
}

function marks(out: Writer, { metadata }: KubeObject): void {
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
}

const partsOf = (object: KubeObject): { spec: JsonObject; status: JsonObject } => ({
  spec: objectOr(object['spec']),
  status: objectOr(object['status']),
});

export function describeReplicaSet(out: Writer, subject: Subject): Promise<void> {
  return replicas(out, subject, selectorText(objectOr(subject.object['spec'])['selector']));
}

export function describeReplicationController(out: Writer, subject: Subject): Promise<void> {
  return replicas(out, subject, inline(objectOr(subject.object['spec'])['selector']));
}

async function replicas(out: Writer, { client, object }: Subject, selector: string): Promise<void> {
  const { spec, status } = partsOf(object);
  head(out, object);
  out.field(0, 'Selector', selector);
  marks(out, object);
  describeController(out, object);
  out.field(
    0,
    'Replicas',
    `${numberOr(status['replicas'])} current / ${spec['replicas'] ?? 1} desired`,
  );
  out.field(0, 'Pods Status', await podCounts(client, object));
  describePodTemplate(out, spec['template']);
  describeConditions(out, status['conditions'], ['Type', 'Status', 'Reason']);
}

export async function describeStatefulSet(out: Writer, { client, object }: Subject): Promise<void> {
  const { spec, status } = partsOf(object);
  head(out, object);
  out.field(0, 'CreationTimestamp', longTime(object.metadata.creationTimestamp));
  out.field(0, 'Selector', selectorText(spec['selector']));
  marks(out, object);
  out.field(
    0,
    'Replicas',
    `${spec['replicas'] ?? 1} desired | ${numberOr(status['replicas'])} total`,
  );
  const strategy = objectOr(spec['updateStrategy']);
  out.field(0, 'Update Strategy', stringOr(strategy['type']));
  if (strategy['rollingUpdate'] !== undefined) {
    const rolling = objectOr(strategy['rollingUpdate']);
    if (rolling['partition'] !== undefined) out.field(1, 'Partition', rolling['partition']);
    if (rolling['maxUnavailable'] !== undefined)
      out.field(1, 'MaxUnavailable', rolling['maxUnavailable']);
  }
  out.field(0, 'Pods Status', await podCounts(client, object));
  describePodTemplate(out, spec['template']);
  claims(out, objectsOf(spec['volumeClaimTemplates']));
}

function claims(out: Writer, templates: readonly JsonObject[]): void {
  if (templates.length === 0) {
    out.line(0, 'Volume Claims:\t<none>');
    return;
  }
  out.line(0, 'Volume Claims:');
  for (const template of templates) {
    const { name, labels, annotations } = objectOr(template['metadata']);
    const spec = objectOr(template['spec']);
    out.field(1, 'Name', name);
    out.field(1, 'StorageClass', stringOr(spec['storageClassName']));
    out.labels('  Labels', labels);
    out.annotations('  Annotations', annotations);
    const { storage } = objectOr(objectOr(spec['resources'])['requests']);
    out.field(1, 'Capacity', storage ?? '<default>');
    out.field(
      1,
      'Access Modes',
      `[${(spec['accessModes'] as string[] | undefined)?.join(' ') ?? ''}]`,
    );
  }
}

export async function describeDaemonSet(out: Writer, { client, object }: Subject): Promise<void> {
  const { spec, status } = partsOf(object);
  head(out, object);
  out.field(0, 'Selector', selectorText(spec['selector']));
  const { nodeSelector } = objectOr(objectOr(spec['template'])['spec']);
  out.field(0, 'Node-Selector', inline(nodeSelector));
  marks(out, object);
  // These stand in no column.
  for (const [title, field] of [
    ['Desired Number of Nodes Scheduled', 'desiredNumberScheduled'],
    ['Current Number of Nodes Scheduled', 'currentNumberScheduled'],
    ['Number of Nodes Scheduled with Up-to-date Pods', 'updatedNumberScheduled'],
    ['Number of Nodes Scheduled with Available Pods', 'numberAvailable'],
    ['Number of Nodes Misscheduled', 'numberMisscheduled'],
  ] as const) {
    out.line(0, `${title}: ${numberOr(status[field])}`);
  }
  out.field(0, 'Pods Status', await podCounts(client, object));
  describePodTemplate(out, spec['template']);
}
