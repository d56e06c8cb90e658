/** What a namespace's objects use of a quota, counted from the cache. */
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Quantity } from '#api/resources/quantity.ts';
import type { Kind, Kinds } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { storageRange } from '../verbs/request.ts';
import { type Amounts, add, amountsOf, number } from './amounts.ts';
import type { InFlight } from './in-flight.ts';
import { inScope } from './scopes.ts';
import { countName, resourceOf, usageOf } from './usage.ts';

export interface Counting {
  readonly cache: WatchCache;
  readonly kinds: Kinds;
  readonly inFlight: InFlight;
  readonly now: () => Date;
}

export const hardOf = (quota: KubeObject): Amounts =>
  amountsOf(objectOr(objectOr(quota['spec'])['hard']));

/** Names counted by an object's being there alone. */
function countsOnly(names: readonly string[], kind: Kind): boolean {
  return names.every(
    (name) => name === countName(kind) || (name === kind.plural && name !== 'pods'),
  );
}

const hasScopes = (quota: KubeObject): boolean => {
  const { scopes, scopeSelector } = objectOr(quota['spec']);
  return (Array.isArray(scopes) && scopes.length > 0) || scopeSelector !== undefined;
};

function usageIn(kind: Kind, entry: Entry, now: Date): Amounts {
  // Of a pod that is ending it matters what time it is.
  const memoized = entry.memo(usageOf, (object) =>
    object.metadata.deletionTimestamp === undefined ? usageOf(kind, object, now) : undefined,
  );
  return memoized ?? usageOf(kind, entry.object(), now);
}

/** Of each of the quota's resources what is used; none is 0. */
export function count(quota: KubeObject, counting: Counting): Map<string, Quantity> {
  const { cache, inFlight, now } = counting;
  const { namespace = '' } = quota.metadata;
  const hard = hardOf(quota);
  const used = new Map([...hard.keys()].map((name) => [name, number(0)]));
  const keep = (more: Amounts) => add(used, new Map([...more].filter(([name]) => hard.has(name))));
  for (const [kind, names] of kindsOf(hard, counting.kinds)) {
    const range = storageRange(kind, namespace);
    if (!hasScopes(quota) && countsOnly(names, kind)) {
      const { remaining } = cache.list(range, { limit: 0 });
      for (const name of names) used.set(name, number(remaining));
      continue;
    }
    const scoped = hasScopes(quota);
    for (const entry of cache.list(range).entries) {
      if (scoped && !inScope(quota, entry.object())) continue;
      keep(usageIn(kind, entry, now()));
    }
  }
  for (const { object, more } of inFlight.of(namespace, cache)) {
    if (inScope(quota, object)) keep(more);
  }
  return used;
}

function kindsOf(hard: Amounts, kinds: Kinds): Map<Kind, string[]> {
  const byKind = new Map<Kind, string[]>();
  for (const name of hard.keys()) {
    const resource = resourceOf(name);
    if (resource === undefined) continue;
    const [plural = '', ...rest] = resource.split('.');
    const group = rest.join('.');
    const kind = kinds.all().find((one) => one.group === group && one.plural === plural);
    if (kind?.namespaced === true && !kind.virtual) {
      byKind.set(kind, [...(byKind.get(kind) ?? []), name]);
    }
  }
  return byKind;
}
