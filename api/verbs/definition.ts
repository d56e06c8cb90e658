/**
 * What the server itself says of a CustomResourceDefinition: whether its names are free and whether it is served. It
 * says so in the write itself; Kubernetes' controllers do a moment later.
 */
import { equalJson, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { definitionStatus } from '../schema/custom.ts';
import type { Kind } from '../schema/kind.ts';
import type { ApiContext } from './request.ts';

/** Holds a definition until the objects of its kind are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export const isDefinition = (kind: Kind): boolean =>
  kind.group === 'apiextensions.k8s.io' && kind.kind === 'CustomResourceDefinition';

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

const range = '/registry/apiextensions.k8s.io/customresourcedefinitions/';

/** All stored definitions. */
export function storedDefinitions({
  cache,
}: Pick<ApiContext, 'cache'>): CustomResourceDefinition[] {
  return cache
    .list(range)
    .entries.map((entry) => entry.object() as unknown as CustomResourceDefinition);
}

/** The definition with its names and conditions as they are beside all others now; itself if they are so already. */
export function established(
  definition: KubeObject,
  context: Pick<ApiContext, 'cache' | 'now'>,
): KubeObject {
  const now = `${context.now().toISOString().slice(0, 19)}Z`;
  const crd = definition as unknown as CustomResourceDefinition;
  const status = definitionStatus(crd, storedDefinitions(context), now);
  const before = objectOr(definition['status']);
  return equalJson({ ...before, ...status }, before)
    ? definition
    : { ...definition, status: { ...before, ...status } };
}

/** The definition as it waits for the objects of its kind to go. */
export function terminating(definition: KubeObject, now: Date): KubeObject {
  const status = objectOr(definition['status']);
  const condition: Condition = {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  };
  const finalizers = new Set([...(definition.metadata.finalizers ?? []), cleanupFinalizer]);
  return {
    ...definition,
    metadata: { ...definition.metadata, finalizers: [...finalizers] },
    status: { ...status, conditions: merged(objectsOf(status['conditions']), [condition], now) },
  };
}

/** Conditions that say the same as before keep the time of their change. */
function merged(
  old: readonly Record<string, unknown>[],
  next: readonly Condition[],
  now: Date,
): Record<string, unknown>[] {
  const lastTransitionTime = `${now.toISOString().slice(0, 19)}Z`;
  const fresh = next.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const same = before?.['status'] === condition.status;
    return {
      ...condition,
      lastTransitionTime: same ? before['lastTransitionTime'] : lastTransitionTime,
    };
  });
  const kept = old.filter(({ type }) => !next.some((condition) => condition.type === type));
  return [...kept, ...fresh];
}
