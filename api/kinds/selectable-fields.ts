/** What field selectors can ask of each kind (`core/v1/conversion.go`, each kind's `GetAttrs`). */

import type { FieldRequirements } from '#api/resources/field-selector.ts';
import { getPath } from '#api/resources/fields-path.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, type StatusError } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';

/** Fields whose value is elsewhere than their name says, or which have a default. */
const SPECIAL: Readonly<Record<string, Record<string, (object: KubeObject) => unknown>>> = {
  '/Pod': {
    'status.podIPs': (pod) => getPath(pod, '.status.podIPs[0].ip'),
    'spec.hostNetwork': (pod) => getPath(pod, '.spec.hostNetwork') ?? false,
  },
  '/Node': { 'spec.unschedulable': (node) => getPath(node, '.spec.unschedulable') ?? false },
  '/Event': {
    source: (event) => getPath(event, '.source.component') || event['reportingComponent'],
  },
  '/ReplicationController': { 'status.replicas': (rc) => getPath(rc, '.status.replicas') ?? 0 },
  'apps/ReplicaSet': { 'status.replicas': (rs) => getPath(rs, '.status.replicas') ?? 0 },
  'batch/Job': { 'status.successful': (job) => getPath(job, '.status.succeeded') ?? 0 },
};

/** The field as a selector compares it; `''` where it is absent. */
export function fieldValue(kind: Kind, object: KubeObject, path: string): string {
  if (path === 'metadata.name') return object.metadata.name;
  if (path === 'metadata.namespace') return object.metadata.namespace ?? '';
  const special = SPECIAL[`${kind.group}/${kind.kind}`]?.[path];
  const value = special === undefined ? getPath(object, path) : special(object);
  return value === undefined || value === null ? '' : String(value);
}

/** 400 if the selector names a field the kind does not offer. */
export function checkFieldSelector(
  kind: Kind,
  requirements: FieldRequirements,
): StatusError | undefined {
  const known = (path: string): boolean =>
    path === 'metadata.name' ||
    path === 'metadata.namespace' ||
    kind.selectableFields.some((field) => field.replace(/^\./, '') === path);
  const unknown = requirements.find(({ path }) => !known(path));
  if (unknown === undefined) return undefined;
  return badRequest(`field label not supported: ${unknown.path}`);
}
