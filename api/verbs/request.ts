/** What a verb gets and what it gives: a request on a kind, the server's parts, an answer not yet in any form. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Status, StatusError } from '#api/resources/status.ts';
import type { WriteGuard } from '../admission/write-guard.ts';
import type { Reservations } from '../allocation/reservation.ts';
import type { TokenSources } from '../authentication/authentication.ts';
import type { User } from '../authentication/user.ts';
import type { Authorizer } from '../authorization/attributes.ts';
import type { Kind, Kinds } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import type { ListPart } from '../storage/packed.ts';
import type { Storage } from '../storage/storage.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import type { NodeUsage } from '../usage/usage.ts';

export interface ApiRequest {
  readonly verb: string;
  readonly kind: Kind;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly query: URLSearchParams;
  readonly user: User;
  readonly contentType: string;
  /** What the client calls itself; '' if it does not say. */
  readonly userAgent: string;
  /** The whole body; empty for verbs without one. */
  readonly body: Buffer;
  /** The answer is to be JSON of the objects themselves: their stored bytes may be used. */
  readonly asStored: boolean;
}

export interface ApiContext {
  readonly kinds: Kinds;
  readonly cache: WatchCache;
  readonly storage: Storage;
  readonly now: () => Date;
  readonly authorizer: Authorizer;
  readonly tokens: TokenSources;
  /** Whether a write may be made on whose behalf the verb runs; absent: the server itself acts. */
  readonly guard?: WriteGuard;
  /** Tells the client of the running request something without refusing it. */
  readonly warn?: (text: string) => void;
  /** Addresses, ports, quota: what objects need that others need too. */
  readonly reservations?: Reservations;
  /** What runs on the nodes uses; absent: nobody can be asked. */
  readonly usage?: () => Promise<readonly NodeUsage[]>;
  /** Admission plug-ins that are switched off, by Kubernetes' names. */
  readonly withoutAdmission?: ReadonlySet<string>;
  /** Those that are switched on beside the usual ones. */
  readonly withAdmission?: ReadonlySet<string>;
}

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export type Payload =
  | { readonly type: 'entry'; readonly entry: Entry }
  /** An object that is not stored as it is: a Scale, a dry run, a review, a Status. */
  | { readonly type: 'object'; readonly object: KubeObject | Status }
  | { readonly type: 'list'; readonly entries: readonly Entry[]; readonly metadata: ListMeta }
  /** A list in ready-made bytes. */
  | { readonly type: 'bytes'; readonly parts: readonly ListPart[]; readonly metadata: ListMeta };

export interface Answer {
  readonly code: 200 | 201;
  /** The kind of the objects in the payload. */
  readonly kind: Kind;
  readonly payload: Payload;
  readonly warnings: readonly string[];
}

export type Verb = (request: ApiRequest, context: ApiContext) => TaskEither<StatusError, Answer>;

/** Where an object of the kind is in the store. */
export function storageKey(kind: Kind, namespace: string | undefined, name: string): string {
  return kind.namespaced && namespace !== undefined
    ? `${kind.storagePrefix}/${namespace}/${name}`
    : `${kind.storagePrefix}/${name}`;
}

/** What all keys of the kind (in the namespace) start with. */
export function storageRange(kind: Kind, namespace: string | undefined): string {
  return kind.namespaced && namespace !== undefined
    ? `${kind.storagePrefix}/${namespace}/`
    : `${kind.storagePrefix}/`;
}

export const entryAnswer = (kind: Kind, entry: Entry, code: 200 | 201 = 200): Answer => ({
  code,
  kind,
  payload: { type: 'entry', entry },
  warnings: [],
});

export const objectAnswer = (
  kind: Kind,
  object: KubeObject | Status,
  code: 200 | 201 = 200,
): Answer => ({ code, kind, payload: { type: 'object', object }, warnings: [] });

/** How a change of a stored object ended. */
export interface Changed {
  readonly entry: Entry;
  /** What a dry run would have stored; absent if it was stored. */
  readonly dry?: KubeObject;
}

export const changedAnswer = (kind: Kind, { entry, dry }: Changed): Answer =>
  dry === undefined ? entryAnswer(kind, entry) : objectAnswer(kind, dry);
