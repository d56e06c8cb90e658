/** The `/scale` subresource: one autoscaling/v1 `Scale` for every kind that has replicas. */
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { getPath, withPath } from '#api/resources/fields-path.ts';
import { isObject, numberOr, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { formatLabelSelector, labelSelectorOf, requireLabels } from '#api/resources/selector.ts';
import { failure, invalid, type StatusError } from '#api/resources/status.ts';
import type { LabelSelector } from '#api/resources/types.ts';
import type { Kind } from '../schema/kind.ts';

interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

const BUILT_IN: ScalePaths = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
};

const pathsOf = (kind: Kind): ScalePaths => kind.custom?.scale ?? BUILT_IN;

/** The selector as the text horizontal pod autoscalers read. */
function selectorText(kind: Kind, object: KubeObject): string {
  const path = kind.custom?.scale?.labelSelectorPath;
  if (kind.custom !== undefined) return path === undefined ? '' : stringOr(getPath(object, path));
  const selector = objectOr(object['spec'])['selector'];
  if (!isObject(selector)) return '';
  const plain = kind.group === '' && kind.kind === 'ReplicationController';
  const requirements = plain
    ? requireLabels(selector as Record<string, string>)
    : (labelSelectorOf(selector as unknown as LabelSelector) ?? []);
  return formatLabelSelector(requirements);
}

/** The object's Scale: its identity and version, the replicas asked for and the replicas there are. */
export function scaleOf(kind: Kind, object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { specReplicasPath, statusReplicasPath } = pathsOf(kind);
  const selector = selectorText(kind, object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: numberOr(getPath(object, specReplicasPath)) },
    status: {
      replicas: numberOr(getPath(object, statusReplicasPath)),
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/**
 * The object with the Scale's replicas, and with the Scale's `resourceVersion` if it has one, so that an update of
 * `/scale` is refused when the object has changed since. Left: 422 for replicas that are no count.
 */
export function applyScale(
  kind: Kind,
  object: KubeObject,
  scale: KubeObject,
): Either<StatusError, KubeObject> {
  const replicas = objectOr(scale['spec'])['replicas'] ?? 0;
  const { resourceVersion, name } = scale.metadata;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
    const cause = { reason: 'FieldValueInvalid', field: 'spec.replicas', message };
    return left(invalid({ group: 'autoscaling', kind: 'Scale' }, name, [cause]));
  }
  if (name !== undefined && name !== '' && name !== object.metadata.name) {
    const message = `the name of the object (${name}) does not match the name on the URL (${object.metadata.name})`;
    return left(failure(400, 'BadRequest', message));
  }
  const scaled = withPath(object, pathsOf(kind).specReplicasPath, replicas);
  if (resourceVersion === undefined || resourceVersion === '') return right(scaled);
  return right({ ...scaled, metadata: { ...scaled.metadata, resourceVersion } });
}
