/**
 * Lists as tables: what `kubectl get` asks for (`as=Table;g=meta.k8s.io;v=v1`). The columns are the kind's own facts,
 * the cells come from code for built-in kinds and from paths for custom ones.
 */
import { humanAge } from '#api/resources/duration.ts';
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Column, Kind } from '../schema/kind.ts';
import { BUILT_IN } from './built-in.ts';
import type { Cells } from './cells.ts';
import { customCell } from './custom.ts';
import { podRowConditions } from './pod.ts';

/** What a row carries beside its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
  /** Default: `Metadata`. */
  readonly includeObject?: IncludeObject;
  /** What ages are counted to. */
  readonly now: Date;
  /** Later events of a watch leave the columns out: the client has them from the first. */
  readonly withoutColumns?: boolean;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly conditions?: readonly JsonObject[];
  readonly object?: JsonObject;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: JsonObject;
  readonly columnDefinitions: readonly JsonObject[] | null;
  readonly rows: readonly TableRow[];
}

/** `PartialObjectMetadata` of an object: who it is, without what it says. */
export function partialMetadata(object: KubeObject): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: object.metadata,
  };
}

const definitionOf = ({ name, type, format, priority, description }: Column): JsonObject => ({
  name,
  type,
  format,
  description: description ?? '',
  priority,
});

/** Cells every kind has; a kind's own cell of the same name goes first. */
function commonCell(name: string, object: KubeObject, now: Date): unknown {
  const { creationTimestamp } = object.metadata;
  switch (name) {
    case 'Name':
      return object.metadata.name;
    case 'Age':
      return humanAge(creationTimestamp, now);
    case 'Created At':
      return creationTimestamp ?? null;
    default:
      return null;
  }
}

function cellOf(column: Column, own: Cells, object: KubeObject, now: Date): unknown {
  if (column.jsonPath !== undefined) return customCell(column, object, now);
  return own[column.name] ?? commonCell(column.name, object, now);
}

function rowOf(kind: Kind, object: KubeObject, options: TableOptions): TableRow {
  const { includeObject = 'Metadata', now } = options;
  const isPod = kind.group === '' && kind.kind === 'Pod';
  const conditions = isPod ? podRowConditions(object) : [];
  const cells = kind.custom === undefined ? BUILT_IN[`${kind.group}/${kind.kind}`] : undefined;
  const own = cells?.(object, now) ?? {};
  return {
    cells: kind.columns.map((column) => cellOf(column, own, object, now)),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(includeObject === 'None'
      ? {}
      : { object: includeObject === 'Object' ? object : partialMetadata(object) }),
  };
}

/** The objects as a meta.k8s.io/v1 Table, in their order. */
export function tableOf(kind: Kind, objects: readonly KubeObject[], options: TableOptions): Table {
  const { resourceVersion, continue: token, remainingItemCount } = options;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(token === undefined || token === '' ? {} : { continue: token }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    },
    columnDefinitions: options.withoutColumns === true ? null : kind.columns.map(definitionOf),
    rows: objects.map((object) => rowOf(kind, object, options)),
  };
}
