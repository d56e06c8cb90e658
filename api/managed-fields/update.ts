/** Ownership after a create, an update or a patch: the writer owns what it has changed. */
import { apiVersionOf, type KubeObject, type ManagedFieldsEntry } from '#api/resources/meta.ts';
import { hasStatus, timestamp } from '../kinds/prepare.ts';
import type { Kind } from '../schema/kind.ts';
import type { Schema } from '../schema/schema.ts';
import { type Changes, claimed, compareMaps, released } from './compare.ts';
import { createdFields } from './created.ts';
import { isEmpty, leaf, sorted } from './field-set.ts';
import {
  capped,
  entriesOf,
  type Identity,
  isSame,
  type Manager,
  requestedManagers,
  storedManagers,
} from './managers.ts';
import { Unkeyable } from './path-element.ts';
import { compareAt, type Versions } from './versions.ts';

/** Who writes, to what part of the object, when. */
export interface Writer {
  /** `fieldManager`, or what the client calls itself. */
  readonly manager: string;
  /** `''` for the object itself. */
  readonly subresource: string;
  readonly now: Date;
}

/**
 * `next`, which is about to replace `live` (`undefined`: to be created), with its `metadata.managedFields`. An object
 * that nobody manages yet stays so until it is first applied, unless it is being created. What the writer does not
 * change it does not own; what it changes it takes from all others. Nothing changes when the fields have not.
 */
export function trackUpdate(
  kind: Kind,
  live: KubeObject | undefined,
  next: KubeObject,
  writer: Writer,
  versions: Versions,
): KubeObject {
  const main = writer.subresource === '' || live === undefined;
  const before = main ? requestedManagers(next, live) : storedManagers(live);
  if (before.length === 0 && live !== undefined) return withEntries(next, undefined);
  const changes = changesOf(kind, live, next, writer);
  if (changes === 'unknown') return withEntries(next, live?.metadata.managedFields);
  if (changes === undefined) return withEntries(next, keptEntries(before, live));
  const after = managersAfter(before, changes, writer, { kind, live, next, versions });
  return withEntries(next, entriesOf(capped(after)));
}

/** The stored entries themselves where they are still right: equal objects are then known by their identity. */
function keptEntries(managers: readonly Manager[], live: KubeObject | undefined) {
  const stored = live?.metadata.managedFields;
  if (stored === undefined) return entriesOf(managers);
  const same =
    stored.length === managers.length &&
    managers.every(({ fields }, index) => fields === stored[index]?.fieldsV1);
  return same ? stored : entriesOf(managers);
}

/** The object with these entries and no others. */
export function withEntries(
  object: KubeObject,
  entries: ManagedFieldsEntry[] | undefined,
): KubeObject {
  const { managedFields, ...metadata } = object.metadata;
  if (entries === undefined && managedFields === undefined) return object;
  if (entries === undefined) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, managedFields: entries } };
}

interface Update {
  readonly kind: Kind;
  readonly live: KubeObject | undefined;
  readonly next: KubeObject;
  readonly versions: Versions;
}

function managersAfter(
  before: readonly Manager[],
  changes: Changes,
  writer: Writer,
  { kind, live, next, versions }: Update,
): Manager[] {
  const own = identityOf(kind, writer, 'Update');
  const after = before.flatMap((manager) => {
    if (isSame(manager, own)) return [];
    const theirs = compareAt(versions, manager.apiVersion, { kind, live, next, changes });
    if (theirs === 'not served') return [];
    return theirs === undefined ? [manager] : [owning(manager, released(manager.fields, theirs))];
  });
  const previous = before.find((manager) => isSame(manager, own));
  const fields = claimed(previous?.fields ?? leaf, changes);
  const took = changes.changed !== undefined;
  const time = took || previous === undefined ? timestamp(writer.now) : previous.time;
  return isEmpty(fields) ? after : [...after, { ...own, time, fields }];
}

const owning = (manager: Manager, fields: Manager['fields']): Manager =>
  fields === manager.fields ? manager : { ...manager, fields };

/** How the writer's entry is known. */
export function identityOf(
  kind: Kind,
  { manager, subresource }: Writer,
  operation: 'Apply' | 'Update',
): Identity {
  return { manager, operation, apiVersion: apiVersionOf(kind), subresource };
}

/** Fields of metadata that belong to the server. */
const serversMeta = new Set([
  'clusterName',
  'creationTimestamp',
  'generation',
  'managedFields',
  'name',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
]);

/** Whether a write to the part can change, and so own, this top-level field. */
export function isTracked(kind: Kind, subresource: string, name: string): boolean {
  if (name === 'apiVersion' || name === 'kind') return false;
  if (subresource === 'status' || subresource === 'approval') {
    return name === 'status' || (name === 'metadata' && kind.custom === undefined);
  }
  return name !== 'status' || !hasStatus(kind);
}

export const isTrackedMeta = (name: string): boolean => !serversMeta.has(name);

/**
 * What the write changes of the fields that can be owned. `unknown`: a list's items cannot be told apart, so that
 * nothing can be said.
 */
export function changesOf(
  kind: Kind,
  live: KubeObject | undefined,
  next: KubeObject,
  { subresource }: Pick<Writer, 'subresource'>,
): Changes | undefined | 'unknown' {
  try {
    const tracked = (name: string) => isTracked(kind, subresource, name);
    if (live === undefined) {
      const changed = createdFields(kind.schema, next, tracked, isTrackedMeta);
      return changed && { changed, removed: undefined };
    }
    return inOrder(trackedChanges(kind.schema, live, next, tracked));
  } catch (error) {
    if (error instanceof Unkeyable) return 'unknown';
    throw error;
  }
}

/** What becomes somebody's must be in the order it is written in. */
function inOrder(changes: Changes | undefined): Changes | undefined {
  if (changes?.changed === undefined) return changes;
  return { ...changes, changed: sorted(changes.changed) };
}

function trackedChanges(
  schema: Schema,
  live: KubeObject,
  next: KubeObject,
  tracked: (name: string) => boolean,
): Changes | undefined {
  const inside = compareMaps(schema, live, next, (name) => name !== 'metadata' && tracked(name));
  const meta = tracked('metadata') ? metadataChanges(schema, live, next) : undefined;
  if (meta === undefined) return inside;
  const at = (set: Changes['changed'], other: Changes['changed']): Changes['changed'] =>
    set === undefined ? other : { ...other, 'f:metadata': set };
  return {
    changed: at(meta.changed, inside?.changed),
    removed: at(meta.removed, inside?.removed),
  };
}

function metadataChanges(schema: Schema, live: KubeObject, next: KubeObject): Changes | undefined {
  const meta = schema.fields?.get('metadata')?.schema;
  if (meta === undefined) return undefined;
  return compareMaps(meta, live.metadata, next.metadata, isTrackedMeta);
}
