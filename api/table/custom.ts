/** Cells of custom kinds: what their definition's `additionalPrinterColumns` point to. */
import { humanAge } from '#api/resources/duration.ts';
import { type FieldsPath, parsePath, valuesAt } from '#api/resources/fields-path.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Column } from '../schema/kind.ts';

const PATHS = new WeakMap<Column, FieldsPath | undefined>();

function pathOf(column: Column): FieldsPath | undefined {
  if (!PATHS.has(column)) PATHS.set(column, parsePath(column.jsonPath ?? ''));
  return PATHS.get(column);
}

/** A number only if the value is one (or reads as one); anything else is no value of the column's type. */
function numeric(value: unknown, whole: boolean): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return null;
  return whole ? Math.trunc(number) : number;
}

/** The cell, shaped by the column's type as apiextensions does: `date` becomes an age, absent becomes null. */
export function customCell(column: Column, object: KubeObject, now: Date): unknown {
  const path = pathOf(column);
  const values = path === undefined ? [] : valuesAt(path, object);
  const first = values[0];
  if (first === undefined || first === null) return null;
  switch (column.type) {
    case 'integer':
      return numeric(first, true);
    case 'number':
      return numeric(first, false);
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    case 'date':
      return typeof first === 'string' ? humanAge(first, now) : null;
    default:
      return values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(',');
  }
}
