/**
 * What the server itself says of a CustomResourceDefinition: whether its names are free and whether it is served. It
 * says so in the write itself; Kubernetes' controllers do a moment later.
 */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind, Kinds } from '../schema/kind.ts';

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

/** Another kind of the group that has one of the names already, in words. */
function taken(definition: KubeObject, kinds: Kinds): string | undefined {
  const spec = objectOr(definition['spec']);
  const names = objectOr(spec['names']);
  const shortNames = Array.isArray(names['shortNames']) ? names['shortNames'].map(String) : [];
  const plural = stringOr(names['plural']);
  const words = [plural, stringOr(names['singular']), ...shortNames].filter((word) => word !== '');
  const others = kinds
    .all()
    .filter((kind) => kind.group === spec['group'] && kind.plural !== plural);
  for (const other of others) {
    const theirs = [other.plural, other.singular, ...other.shortNames];
    const word = words.find((each) => theirs.includes(each));
    if (word !== undefined) return `"${word}" is already in use`;
    if (other.kind === names['kind']) return `"${other.kind}" is already in use`;
  }
  return undefined;
}

function accepted(problem: string | undefined): Condition[] {
  if (problem === undefined) {
    return [
      {
        type: 'NamesAccepted',
        status: 'True',
        reason: 'NoConflicts',
        message: 'no conflicts found',
      },
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      },
    ];
  }
  return [
    { type: 'NamesAccepted', status: 'False', reason: 'NameConflict', message: problem },
    {
      type: 'Established',
      status: 'False',
      reason: 'NotAccepted',
      message: 'not all names are accepted',
    },
  ];
}

/** The definition with `acceptedNames` and its conditions as they are now. */
export function established(definition: KubeObject, kinds: Kinds, now: Date): KubeObject {
  const status = objectOr(definition['status']);
  const problem = taken(definition, kinds);
  const names = objectOr(objectOr(definition['spec'])['names']);
  const conditions = merged(objectsOf(status['conditions']), accepted(problem), now);
  const acceptedNames = problem === undefined ? names : (status['acceptedNames'] ?? {});
  return { ...definition, status: { ...status, conditions, acceptedNames } };
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
