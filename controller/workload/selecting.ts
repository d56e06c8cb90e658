/** From an object that nobody controls to the owners that might adopt it. */
import type { ApiObject } from '#api/client/collection.ts';
import { controllerOf, keyOf } from '#api/resources/meta.ts';
import { type LabelRequirements, labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { LabelSelector } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';

/** The requirements of `spec.selector`, as the kinds of apps and batch have it. */
export const selectorOf = (owner: ApiObject): LabelRequirements | undefined =>
  labelSelectorOf((owner as { spec?: { selector?: LabelSelector } }).spec?.selector);

/** The keys of the owners in the cache (which has the index `namespace`) that select the object, if it is free. */
export function selecting<T extends ApiObject>(
  owners: Cache<T>,
  object: ApiObject,
  selector: (owner: T) => LabelRequirements | undefined = selectorOf,
): string[] {
  if (controllerOf(object) !== undefined) return [];
  const near = owners.byIndex('namespace', object.metadata.namespace ?? '');
  return near.filter((each) => matchesLabels(selector(each), object.metadata.labels)).map(keyOf);
}
