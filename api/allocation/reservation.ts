/**
 * What an object needs that others need too: addresses, ports, room in a quota. It is had before the object is
 * written, and given back if the write fails.
 */
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';

export interface Reserving {
  readonly kind: Kind;
  readonly object: KubeObject;
  /** Absent for a creation. */
  readonly old?: KubeObject;
  readonly subresource?: string;
  /** Nothing is kept: the answer is what it would be. */
  readonly dryRun: boolean;
}

export interface Reserved {
  /** With what was had in it. */
  readonly object: KubeObject;
  /** The object stands: what it no longer needs is given back. */
  done(): Promise<void>;
  /** The object was not written. Not to be called when nobody knows: what is left over is found later. */
  undo(): Promise<void>;
}

export interface Reservations {
  /** `undefined` if the object needs nothing of the kind. Rejects with 403, 422 or 500 if it cannot be had. */
  reserve(asked: Reserving): Promise<Reserved> | undefined;
  /** The last state of an object that is gone. */
  removed(entry: Entry): Promise<void> | undefined;
}
