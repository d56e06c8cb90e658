/** Objects to show, and the rows they are shown as. */
import type { Test } from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { tableOf } from '#api/table/table.ts';

export const kinds = createKinds();
export const kindOf = (apiVersion: string, kind: string): Kind =>
  kinds.ofObject(apiVersion, kind) as Kind;
export const now = new Date('2026-01-01T01:00:00Z');
export const creationTimestamp = '2026-01-01T00:55:00Z';

export const object = (
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'x', creationTimestamp, ...meta },
    ...rest,
  }) as unknown as KubeObject;

/** The row as kubectl shows it: column names to cells. */
export function row(
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta?: JsonObject,
): JsonObject {
  const of = kindOf(apiVersion, kind);
  const { rows, columnDefinitions } = tableOf(of, [object(apiVersion, kind, rest, meta)], { now });
  const names = (columnDefinitions ?? []).map((column) => String(column['name']));
  return Object.fromEntries(names.map((name, i) => [name, rows[0]?.cells[i]]));
}

export const labels = { app: 'x' };
export const selector = { matchLabels: labels };

type RowCase = [apiVersion: string, kind: string, rest: JsonObject, cells: JsonObject];

export function expectRows(t: Test, cases: readonly RowCase[]): void {
  for (const [apiVersion, kind, rest, cells] of cases)
    t.strictSame(row(apiVersion, kind, rest), cells, kind);
}
