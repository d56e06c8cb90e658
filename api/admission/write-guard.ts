/** What a user may write beyond having the verb: no more rights than their own, no other node's objects. */
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';

/** `object` alone is a creation, `old` alone a deletion. The subresource is that of the request. */
export interface Change {
  readonly kind: Kind;
  readonly object?: KubeObject;
  readonly old?: KubeObject;
}

/** Asked with the object as it would be stored; the reason why not, or nothing. */
export type WriteGuard = (change: Change) => StatusError | undefined;
