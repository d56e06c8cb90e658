/** Removal of what an applier has owned, does not name any more, and nobody else owns. */
import type { Schema } from '../schema/schema.ts';
import { difference, type FieldSet, intersection, isEmpty, union } from './field-set.ts';
import { removeFields } from './remove.ts';
import { fieldSetOf, withNamedFields } from './set-of.ts';

/**
 * The merged object without the fields of `last` (what the applier owned before) that are not in `owned` (what all
 * managers own now, the applier's new configuration included). Fields that nobody owns stay, unless what they are in
 * goes. Throws `Unkeyable`.
 */
export function pruned(schema: Schema, merged: unknown, last: FieldSet, owned: FieldSet): unknown {
  if (isEmpty(last)) return merged;
  const all = withNamedFields(schema, fieldSetOf(schema, merged));
  const lastNamed = withNamedFields(schema, last);
  const left = removeFields(schema, merged, lastNamed);
  const kept = union(namedFieldsOf(schema, left), withNamedFields(schema, owned));
  const withOwned = removeFields(schema, merged, difference(all, kept));
  const lost = difference(all, namedFieldsOf(schema, withOwned));
  return removeFields(schema, merged, intersection(lost, lastNamed));
}

const namedFieldsOf = (schema: Schema, value: unknown): FieldSet =>
  value === undefined ? {} : withNamedFields(schema, fieldSetOf(schema, value));
