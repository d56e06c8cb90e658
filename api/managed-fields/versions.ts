/** Managers speak of fields in the version they wrote: a kind's versions may call the same thing by other names. */
import type { KubeObject } from '#api/resources/meta.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import { convertTo, needsConversion } from '../kinds/convert.ts';
import type { Kind, Kinds } from '../schema/kind.ts';
import { type Changes, compareMaps } from './compare.ts';

/** The kind of an object's type in another `apiVersion`; undefined if it is not served. */
export type Versions = (apiVersion: string, kind: string) => Kind | undefined;

export const versionsOf =
  (kinds: Kinds): Versions =>
  (apiVersion, kind) =>
    kinds.ofObject(apiVersion, kind);

/** A write, and what it changes in the version it is made in. */
export interface Write {
  readonly kind: Kind;
  readonly live: KubeObject | undefined;
  readonly next: KubeObject;
  readonly changes: Changes | undefined;
}

/**
 * What the write changes in the version of a manager. Versions without a conversion of their own have the same fields.
 * `not served`: the version is gone, and with it what its managers owned.
 */
export function compareAt(
  versions: Versions,
  apiVersion: string,
  { kind, live, next, changes }: Write,
): Changes | undefined | 'not served' {
  if (apiVersion === apiVersionOf(kind)) return changes;
  const other = versions(apiVersion, kind.kind);
  if (other === undefined) return 'not served';
  if (!differ(kind, other)) return changes;
  const before = live === undefined ? undefined : convertTo(live, apiVersion);
  return compareMaps(other.schema, before, convertTo(next, apiVersion));
}

/** Whether the same field may have another name in the other version. */
export const differ = (a: Kind, b: Kind): boolean => needsConversion(a) || needsConversion(b);
