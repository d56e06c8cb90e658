/** What is said of a namespace that is being emptied. Pure. After pkg/controller/namespace/deletion. */
import type { Namespace } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, withCondition } from '#controller/runtime/conditions.ts';

/** What is left of one resource type. */
export interface Remainder {
  /** `pods.`, `deployments.apps`: as Kubernetes writes it. */
  readonly resource: string;
  readonly count: number;
  /** How many objects each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface Findings {
  readonly remainders: readonly Remainder[];
  /** Discovery, or lists and deletions of some types, that failed. */
  readonly discoveryFailure?: string;
  readonly deletionFailure?: string;
}

/** True says that something is wrong. */
const verdict = (type: string, bad: string | undefined, reason: string, good: string) =>
  bad === undefined
    ? { type, status: 'False', reason: reasonOfSuccess[reason] ?? '', message: good }
    : { type, status: 'True', reason, message: bad };

const reasonOfSuccess: Readonly<Record<string, string>> = {
  DiscoveryFailed: 'ResourcesDiscovered',
  ContentDeletionFailed: 'ContentDeleted',
  SomeResourcesRemain: 'ContentRemoved',
  SomeFinalizersRemain: 'ContentHasNoFinalizers',
};

/** The namespace's status while it waits, with Kubernetes' conditions and words. */
export function terminatingStatus(
  namespace: Namespace,
  { remainders, discoveryFailure, deletionFailure }: Findings,
  nowMs: number,
): NonNullable<Namespace['status']> {
  const now = timestamp(nowMs);
  const left = remainders.map(
    ({ resource, count }) => `${resource} has ${count} resource instances`,
  );
  const held = new Map<string, number>();
  for (const { finalizers } of remainders) {
    for (const [name, count] of finalizers) held.set(name, (held.get(name) ?? 0) + count);
  }
  const finalizers = [...held].map(([name, count]) => `${name} in ${count} resource instances`);
  const some = (intro: string, parts: string[]) =>
    parts.length === 0 ? undefined : `${intro}: ${parts.sort().join(', ')}`;
  const next = [
    verdict(
      'NamespaceDeletionDiscoveryFailure',
      discoveryFailure,
      'DiscoveryFailed',
      'All resources successfully discovered',
    ),
    verdict(
      'NamespaceDeletionContentFailure',
      deletionFailure,
      'ContentDeletionFailed',
      'All content successfully deleted, may be waiting on finalization',
    ),
    verdict(
      'NamespaceContentRemaining',
      some('Some resources are remaining', left),
      'SomeResourcesRemain',
      'All content successfully removed',
    ),
    verdict(
      'NamespaceFinalizersRemaining',
      some('Some content in the namespace has finalizers remaining', finalizers),
      'SomeFinalizersRemain',
      'All content-preserving finalizers finished',
    ),
  ];
  let conditions: readonly Condition[] = namespace.status?.conditions ?? [];
  for (const condition of next) conditions = withCondition(conditions, condition, now);
  return { ...namespace.status, phase: 'Terminating', conditions: [...conditions] };
}
