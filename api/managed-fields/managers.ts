/** Who owns what: an object's `metadata.managedFields` read, and written in Kubernetes' order. */
import { equalJson, isObject } from '#api/resources/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '#api/resources/meta.ts';
import { type FieldSet, isEmpty, leaf, readFieldSet, union } from './field-set.ts';

/** One manager. Its fields may be shared with the object they were read from. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Kubernetes' limit: more managers that update are put together, the oldest first. */
const maxUpdateManagers = 10;
const ancientChanges = 'ancient-changes';

/** The same writer goes on with the same entry. An applier keeps its own whatever version it applies. */
export function isSame(a: Identity, b: Identity): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

export type Identity = Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

/** The managers of a stored object, whose entries this server wrote. */
export function storedManagers(object: KubeObject | undefined): Manager[] {
  return (object?.metadata.managedFields ?? []).flatMap((entry) => {
    const manager = managerOf(entry);
    return manager === undefined ? [] : [{ ...manager, fields: storedFields(entry) }];
  });
}

const storedFields = (entry: ManagedFieldsEntry): FieldSet => (entry.fieldsV1 ?? leaf) as FieldSet;

/**
 * The managers that an update goes on from: those of the request, if it has any that can be read, else the stored
 * ones, so that clients that do not know the field do not lose it. `[]` and `[{}]` mean that nobody owns anything.
 */
export function requestedManagers(object: KubeObject, live: KubeObject | undefined): Manager[] {
  const sent: unknown = object.metadata.managedFields;
  if (sent === undefined || sent === null) return storedManagers(live);
  const stored = live?.metadata.managedFields;
  if (sent === stored || (stored !== undefined && equalJson(sent, stored))) {
    return storedManagers(live);
  }
  if (!Array.isArray(sent)) return storedManagers(live);
  if (isReset(sent)) return [];
  return sentManagers(sent) ?? storedManagers(live);
}

const isReset = (sent: readonly unknown[]): boolean =>
  sent.length === 0 || (sent.length === 1 && isObject(sent[0]) && isEmpty(sent[0] as FieldSet));

function sentManagers(sent: readonly unknown[]): Manager[] | undefined {
  const managers: Manager[] = [];
  for (const entry of sent) {
    const manager = isObject(entry) ? managerOf(entry) : undefined;
    if (manager === undefined || !isObject(entry) || entry['fieldsType'] !== 'FieldsV1') return;
    try {
      const fields = readFieldSet(entry['fieldsV1'] ?? {});
      if (!managers.some((other) => isSame(other, manager))) managers.push({ ...manager, fields });
    } catch {
      return;
    }
  }
  return managers;
}

function managerOf(entry: ManagedFieldsEntry): Omit<Manager, 'fields'> | undefined {
  const { manager = '', operation, apiVersion = '', subresource = '', time } = entry;
  if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '') return undefined;
  return { manager, operation, apiVersion, subresource, time };
}

/** The entries of the managers that own anything; `undefined` for none. */
export function entriesOf(managers: readonly Manager[]): ManagedFieldsEntry[] | undefined {
  const owning = managers.filter(({ fields }) => !isEmpty(fields));
  return owning.length === 0 ? undefined : owning.sort(byAge).map(entryOf);
}

function entryOf({ manager, operation, apiVersion, time, fields, subresource }: Manager) {
  return {
    ...(manager === '' ? {} : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields as Record<string, unknown>,
    ...(subresource === '' ? {} : { subresource }),
  };
}

function byAge(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** At most ten managers that update: the oldest are put together, those of one version under one name. */
export function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter(({ operation }) => operation === 'Update');
  if (updaters.length <= maxUpdateManagers) return managers;
  const kept = new Set(managers);
  const oldest = new Map<string, Manager>();
  for (const manager of updaters.toSorted(byAge)) {
    if (kept.size - (managers.length - updaters.length) <= maxUpdateManagers) break;
    const first = oldest.get(manager.apiVersion);
    if (first !== undefined) {
      kept.delete(first);
      kept.delete(manager);
    }
    const merged = first === undefined ? manager : together(first, manager);
    kept.add(merged);
    oldest.set(manager.apiVersion, merged);
  }
  return [...kept];
}

const together = (older: Manager, newer: Manager): Manager => ({
  ...newer,
  manager: ancientChanges,
  subresource: '',
  fields: union(older.fields, newer.fields),
});
