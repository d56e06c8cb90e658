/**
 * Validation: every reason for which a write is refused with 422, in Kubernetes' reasons and words. Metadata is judged
 * alike for all kinds; what a kind's fields mean, by the functions of its group.
 */
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import type { PodPart } from '../kinds/pod-parts.ts';
import { checkTypes } from '../schema/check-types.ts';
import type { Kind } from '../schema/kind.ts';
import { checkMetadata, checkMetadataUpdate } from './validation/metadata.ts';
import { checkEphemeralUpdate, checkResize } from './validation/pod-parts.ts';
import { rulesOf } from './validation/rules.ts';

/** What is wrong with an object that is to be created, after defaulting; none if it may be stored. */
export function validateCreate(kind: Kind, object: KubeObject): StatusCause[] {
  const { create, whole } = rulesOf(kind);
  return [
    ...checkMetadata(kind, object),
    ...((create ?? whole)?.(object) ?? []),
    ...checkCustom(kind, object),
  ];
}

/** What is wrong with an object that is to replace `old`. */
export function validateUpdate(kind: Kind, object: KubeObject, old: KubeObject): StatusCause[] {
  const { whole, update } = rulesOf(kind);
  return [
    ...checkMetadata(kind, object),
    ...checkMetadataUpdate(object, old),
    ...(whole?.(object) ?? []),
    ...(update?.(object, old) ?? []),
    ...checkCustom(kind, object),
  ];
}

/** What is wrong with an update of `/status` (or another subresource that leaves the spec alone). */
export function validateStatusUpdate(
  kind: Kind,
  object: KubeObject,
  old: KubeObject,
): StatusCause[] {
  return [
    ...checkMetadata(kind, object),
    ...checkMetadataUpdate(object, old),
    ...(rulesOf(kind).status?.(object, old) ?? []),
    ...checkCustom(kind, object),
  ];
}

/** What is wrong with an update of `/approval`. */
export function validateApproval(kind: Kind, object: KubeObject, old: KubeObject): StatusCause[] {
  return [
    ...checkMetadata(kind, object),
    ...checkMetadataUpdate(object, old),
    ...(rulesOf(kind).approval?.(object, old) ?? []),
  ];
}

/** What is wrong with a change of one part of a pod, through the subresource of that part. */
export function validatePodPart(
  kind: Kind,
  part: PodPart,
  object: KubeObject,
  old: KubeObject,
): StatusCause[] {
  const change = part === 'resize' ? checkResize : checkEphemeralUpdate;
  return [
    ...checkMetadata(kind, object),
    ...checkMetadataUpdate(object, old),
    ...(rulesOf(kind).whole?.(object) ?? []),
    ...change(object, old),
  ];
}

/**
 * A custom object against the schema of its definition. Built-in kinds are not: what their published schemas call
 * required or list as values is stricter than what Kubernetes refuses.
 */
function checkCustom(kind: Kind, object: KubeObject): StatusCause[] {
  return kind.custom === undefined ? [] : checkTypes(kind.schema, object);
}
