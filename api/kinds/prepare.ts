/**
 * What the server itself sets when an object is written: `registry/rest/{create,update}.go`, with the kinds' own
 * ways from `strategies.ts`. Pure functions of new objects; nothing that is passed in is changed.
 */
import { cloneJson, equalJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject, ObjectMeta } from '#api/resources/meta.ts';
import { applyDefaults } from '../admission/defaults.ts';
import type { Kind } from '../schema/kind.ts';
import type { Requester } from './signing-request.ts';
import { strategyOf } from './strategies.ts';

export interface Creation {
  readonly uid: string;
  readonly now: Date;
  /** The final name: `generateName` is already resolved. */
  readonly name: string;
  /** Who makes it, where the object keeps that. */
  readonly user?: Requester;
}

/** RFC 3339 with whole seconds, as all `metav1.Time` fields have it. */
export function timestamp(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** Whether the kind has `/status`: then `status` belongs to that subresource alone. */
export function hasStatus(kind: Kind): boolean {
  return kind.subresources.some((subresource) => subresource.name === 'status');
}

/** Metadata the client may set at creation; all else is the server's. */
function createdMeta(kind: Kind, meta: ObjectMeta, creation: Creation): ObjectMeta {
  const { selfLink: _, ...kept } = meta as ObjectMeta & { selfLink?: unknown };
  const created: ObjectMeta = {
    ...kept,
    name: creation.name,
    uid: creation.uid,
    creationTimestamp: timestamp(creation.now),
  };
  delete created.resourceVersion;
  delete created.generation;
  delete created.deletionTimestamp;
  delete created.deletionGracePeriodSeconds;
  if (strategyOf(kind).generation === true) created.generation = 1;
  return created;
}

/**
 * The object as it is first stored, with its kind's defaults: what the server derives (a pod's class of service) it
 * derives from the defaulted object. The namespace must already be in the metadata.
 */
export function prepareCreate(kind: Kind, object: KubeObject, creation: Creation): KubeObject {
  const strategy = strategyOf(kind);
  const created = applyDefaults(kind, object);
  created.metadata = createdMeta(kind, created.metadata, creation);
  if (hasStatus(kind) && strategy.keepsStatus !== true) {
    delete created['status'];
    if (kind.custom === undefined) created['status'] = {};
  }
  strategy.create?.(created, creation.now, creation.user);
  return created;
}

/** Fields of metadata that an update cannot change: the old value stays, present or absent. */
const FIXED_META = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

function updatedMeta(meta: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { selfLink: _, ...kept } = meta as ObjectMeta & { selfLink?: unknown };
  const updated: Record<string, unknown> = { ...kept };
  for (const field of FIXED_META) {
    if (old[field] === undefined) delete updated[field];
    else updated[field] = old[field];
  }
  return updated as unknown as ObjectMeta;
}

/** What counts as desired: everything but who the object is and how it fares. */
function desired(object: KubeObject): JsonObject {
  const { apiVersion: _1, kind: _2, metadata: _3, status: _4, ...rest } = object;
  return rest;
}

function withStatusOf(object: KubeObject, old: KubeObject): KubeObject {
  const { status: _, ...rest } = object;
  const result = rest as KubeObject;
  if (old['status'] !== undefined) result['status'] = cloneJson(old['status']);
  return result;
}

/**
 * The object as an update of `old` stores it. `generation` grows by one exactly when something beside metadata and
 * status changed; status stays where the kind has `/status`; `resourceVersion` is left as the client sent it.
 */
export function prepareUpdate(kind: Kind, object: KubeObject, old: KubeObject): KubeObject {
  const strategy = strategyOf(kind);
  const copy = cloneJson(object);
  const updated = hasStatus(kind) ? withStatusOf(copy, old) : copy;
  updated.metadata = updatedMeta(updated.metadata, old.metadata);
  strategy.update?.(updated, old);
  if (strategy.generation === true && !equalJson(desired(updated), desired(old))) {
    updated.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  return updated;
}

/**
 * The object as an update of `/status` stores it: everything is `old`'s but the status and, of built-in kinds,
 * labels, annotations, owners and finalizers. Custom kinds take the status alone, as apiextensions does.
 */
export function prepareStatusUpdate(kind: Kind, object: KubeObject, old: KubeObject): KubeObject {
  const { status: _, ...rest } = cloneJson(old);
  const updated = rest as KubeObject;
  const status = cloneJson(object['status']);
  if (status !== undefined) updated['status'] = status;
  const meta = kind.custom === undefined ? cloneJson(object.metadata) : updated.metadata;
  updated.metadata = updatedMeta(meta, old.metadata);
  const { resourceVersion } = object.metadata;
  if (resourceVersion === undefined) delete updated.metadata.resourceVersion;
  else updated.metadata.resourceVersion = resourceVersion;
  if (object.metadata.managedFields !== undefined) {
    updated.metadata.managedFields = cloneJson(object.metadata.managedFields);
  }
  strategyOf(kind).updateStatus?.(updated, old);
  return updated;
}

/** A Namespace as `PUT …/finalize` stores it: nothing but `spec.finalizers` is taken from the request. */
export function prepareFinalize(namespace: KubeObject, old: KubeObject): KubeObject {
  const { finalizers } = (namespace['spec'] ?? {}) as { finalizers?: unknown };
  const spec: JsonObject = { ...((old['spec'] ?? {}) as JsonObject) };
  delete spec['finalizers'];
  if (Array.isArray(finalizers) && finalizers.length > 0) spec['finalizers'] = [...finalizers];
  return { ...cloneJson(old), spec };
}
