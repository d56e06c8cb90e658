/** The scheduler's decision written into a pod: `POST …/pods/{name}/binding` (`registry/core/pod/storage`). */
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { cloneJson, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { conflict, invalid, type StatusError } from '#api/resources/status.ts';
import { timestamp } from './prepare.ts';

const BINDING = { group: '', plural: 'pods/binding' };

function whyNot(pod: KubeObject, binding: KubeObject): string | undefined {
  const spec = objectOr(pod['spec']);
  const { name, uid, deletionTimestamp } = pod.metadata;
  const wanted = binding.metadata.uid;
  if (wanted !== undefined && wanted !== '' && wanted !== uid) {
    return `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`;
  }
  if (deletionTimestamp !== undefined) {
    return `pod ${name} is being deleted, cannot be assigned to a host`;
  }
  const { nodeName } = spec;
  if (typeof nodeName === 'string' && nodeName !== '') {
    return `pod ${name} is already assigned to node ${JSON.stringify(nodeName)}`;
  }
  const gated = objectsOf(spec['schedulingGates']).length > 0;
  return gated ? `pod ${name} has non-empty .spec.schedulingGates` : undefined;
}

function refused(binding: KubeObject): StatusError | undefined {
  const { kind = '', name } = objectOr(binding['target']);
  const of = { group: '', kind: 'Binding' };
  if (kind !== '' && kind !== 'Node') {
    const message = `Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`;
    const cause = { reason: 'FieldValueNotSupported', field: 'target.kind', message };
    return invalid(of, binding.metadata.name, [cause]);
  }
  if (typeof name === 'string' && name !== '') return undefined;
  const cause = { reason: 'FieldValueRequired', field: 'target.name', message: 'Required value' };
  return invalid(of, binding.metadata.name, [cause]);
}

/**
 * The pod with the binding's node, its annotations and labels, and the condition PodScheduled. Left: 409 Conflict
 * if the pod is bound, being deleted, gated or another one than meant; 422 for a binding without a node.
 */
export function bindPod(
  pod: KubeObject,
  binding: KubeObject,
  now: Date = new Date(),
): Either<StatusError, KubeObject> {
  const bad = refused(binding);
  if (bad !== undefined) return left(bad);
  const why = whyNot(pod, binding);
  if (why !== undefined) return left(conflict(BINDING, pod.metadata.name, why));
  const bound = cloneJson(pod);
  bound['spec'] = { ...objectOr(bound['spec']), nodeName: objectOr(binding['target'])['name'] };
  for (const field of ['annotations', 'labels'] as const) {
    const added = binding.metadata[field];
    if (added !== undefined) bound.metadata[field] = { ...bound.metadata[field], ...added };
  }
  const status = objectOr(bound['status']);
  const others = objectsOf(status['conditions']).filter(({ type }) => type !== 'PodScheduled');
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp(now),
  };
  bound['status'] = { ...status, conditions: [...others, scheduled] };
  return right(bound);
}
