/** What the cell functions of all kinds share. Formats are those of Kubernetes' `pkg/printers/internalversion`. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { formatLabelSelector, labelSelectorOf, requireLabels } from '#api/resources/selector.ts';
import type { LabelSelector } from '#api/resources/types.ts';

/** A row by the names of its columns; Name and Age need not be given. */
export type Cells = Readonly<Record<string, unknown>>;

/** Makes an object's cells; `now` is what ages are counted to. */
export type CellsOf = (object: KubeObject, now: Date) => Cells;

export const NONE = '<none>';
export const UNSET = '<unset>';
export const UNKNOWN = '<unknown>';

/** The text, or what stands for an absent one. */
export function textOr(value: unknown, absent: string): string {
  return value === undefined || value === null || value === '' ? absent : String(value);
}

export const specOf = (object: KubeObject): JsonObject => objectOr(object['spec']);
export const statusOf = (object: KubeObject): JsonObject => objectOr(object['status']);

/** How many entries a map or list has. */
export function countOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : 0;
}

export function conditionOf(object: KubeObject, type: string): JsonObject | undefined {
  return objectsOf(statusOf(object)['conditions']).find((condition) => condition['type'] === type);
}

export function isTrue(object: KubeObject, type: string): boolean {
  return conditionOf(object, type)?.['status'] === 'True';
}

/** `a,b,c + 2 more...` */
export function firstOf(items: readonly string[], max: number, separator = ','): string {
  const shown = items.slice(0, max).join(separator);
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

/** Names and images of a list of containers, for the wide view. */
export function containerCells(podSpec: unknown): Cells {
  const containers = objectsOf(objectOr(podSpec)['containers']);
  return {
    Containers: containers.map((container) => stringOr(container['name'])).join(','),
    Images: containers.map((container) => stringOr(container['image'])).join(','),
  };
}

export const templateCells = (object: KubeObject): Cells =>
  containerCells(objectOr(specOf(object)['template'])['spec']);

/** A map of labels as `a=b,c=d`, sorted. */
export function labelsText(labels: unknown): string {
  if (countOf(labels) === 0) return NONE;
  return formatLabelSelector(requireLabels(labels as Record<string, string>));
}

/** A `LabelSelector` as text. */
export function selectorText(selector: unknown): string {
  if (!isObject(selector)) return NONE;
  return formatLabelSelector(labelSelectorOf(selector as unknown as LabelSelector) ?? []) || NONE;
}
