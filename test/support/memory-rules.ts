/** The rules of writing and watching that the API in memory keeps. */
import { randomUUID } from 'node:crypto';
import type { ApiEvent, ApiObject, DeleteOptions } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { conflict } from '#api/resources/status.ts';
import type { Change } from './memory-store.ts';

export type Loose = ApiObject & { spec?: Record<string, unknown>; status?: unknown };

/** The types that the server gives a phase. */
export const pendingFirst: ReadonlySet<string> = new Set(
  'pods persistentvolumeclaims persistentvolumes'.split(' '),
);

/** What a watcher with a selector sees of a change: entering is ADDED, leaving is DELETED. */
export function seenThrough(
  matches: (object: ApiObject) => boolean,
  { type, object, previous }: Change,
): ApiEvent<ApiObject> | undefined {
  const before = previous !== undefined && matches(previous);
  const after = type !== 'DELETED' && matches(object);
  if (!before && !after) return undefined;
  const seen = !before ? 'ADDED' : after ? 'MODIFIED' : 'DELETED';
  return { type: seen, object: structuredClone(object) };
}

/** Everything but metadata and status, as text: what `generation` counts. */
export const mainPart = ({ metadata: _, status: __, ...rest }: Loose): string =>
  JSON.stringify(rest);

/** Metadata after an update: what only the server may set stays. */
export function kept(before: Loose, next: Loose): Loose['metadata'] {
  const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } =
    before.metadata;
  const merged: Record<string, unknown> = {
    ...next.metadata,
    resourceVersion: before.metadata.resourceVersion,
    uid,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  };
  for (const key of Object.keys(merged)) if (merged[key] === undefined) delete merged[key];
  return merged as never;
}

/** Throws 409 if the object is not the one the caller means. */
export function checkPreconditions(
  type: ResourceType,
  object: Loose,
  { preconditions = {} }: DeleteOptions,
): void {
  const { uid, resourceVersion } = preconditions;
  if (uid !== undefined && uid !== object.metadata.uid) {
    throw conflict(type, object.metadata.name, 'the UID in the precondition does not match');
  }
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
    throw conflict(type, object.metadata.name);
  }
}

/** Seconds a deleted object stays for the agent to stop it; 0 for all but bound pods that have not ended. */
export function podGraceSeconds(type: ResourceType, object: Loose, options: DeleteOptions): number {
  if (type.plural !== 'pods' || (object.spec?.['nodeName'] ?? '') === '') return 0;
  const phase = (object.status as { phase?: string } | undefined)?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return 0;
  const own = Number(object.spec?.['terminationGracePeriodSeconds'] ?? 30);
  return options.gracePeriodSeconds ?? own;
}

/** The pod, bound to the node that the binding names. @throws StatusError if it is bound already */
export function bound(type: ResourceType, held: Loose, body: unknown): Loose {
  const pod = structuredClone(held);
  const { name } = pod.metadata;
  if (pod.spec?.['nodeName'] !== undefined) {
    throw conflict(type, name, `pod ${name} is already assigned to node`);
  }
  const { target } = body as { target: { name: string } };
  pod.spec = { ...pod.spec, nodeName: target.name };
  pod.status = {
    ...(pod.status as object),
    conditions: [{ type: 'PodScheduled', status: 'True' }],
  };
  return pod;
}

/** The types whose status comes with the main resource: they have no `/status`, or the server keeps it. */
export const withoutStatus = new Set(
  'configmaps secrets events leases.coordination.k8s.io serviceaccounts nodes'.split(' '),
);

/** The metadata of an object that is made. */
export const fresh = ({ metadata }: Loose): Loose['metadata'] => ({
  ...metadata,
  uid: randomUUID(),
  creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  generation: 1,
});

/** How a watch tells of what is there. */
export const added = (object: ApiObject) =>
  ({ type: 'ADDED', object: structuredClone(object) }) as ApiEvent<never>;
