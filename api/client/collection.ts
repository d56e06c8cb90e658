/**
 * `Collection<T>`: one resource type as its clients see it. The controllers, the agent and the command-line tool
 * speak to the API through this alone; tests put an in-memory one in its place.
 */
import type { Observable } from 'rxjs';
import type { ObjectMeta, ResourceType } from '#api/resources/meta.ts';

/** Any typed object: what `Collection` needs to know of `T`. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface Ref {
  readonly name: string;
  /** Absent for cluster-scoped types. */
  readonly namespace?: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  /** Metadata alone: objects come as `PartialObjectMetadata` (`kind` and `apiVersion` say so). */
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly timeoutSeconds?: number;
  readonly bookmarks?: boolean;
  /** As in `ListOptions`. */
  readonly metadataOnly?: boolean;
}

export interface List<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export type ApiEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface ApplyOptions {
  /** The owner of what is applied. */
  readonly fieldManager: string;
  /** Takes fields that others own with other values; else that is 409. */
  readonly force?: boolean;
  /** `All`: what would become of it is answered, and nothing is stored. */
  readonly dryRun?: 'All';
}

export type PatchType = 'merge' | 'strategic' | 'json';

/**
 * Requests fail with `StatusError` (`#api/resources/status.ts`); a failing connection is a StatusError too
 * (503 `ServiceUnavailable`, cause = the socket's error). Nothing is retried here.
 */
export interface Collection<T extends ApiObject> {
  readonly type: ResourceType;
  get(ref: Ref, signal?: AbortSignal): Promise<T>;
  list(options?: ListOptions): Promise<List<T>>;
  create(object: T, signal?: AbortSignal): Promise<T>;
  /** PUT: `metadata.resourceVersion` decides whether it may overwrite (409 Conflict). */
  update(object: T, signal?: AbortSignal): Promise<T>;
  updateStatus(object: T, signal?: AbortSignal): Promise<T>;
  patch(ref: Ref, patch: unknown, type: PatchType, signal?: AbortSignal): Promise<T>;
  /** Server-side apply: makes the object, or makes it follow. */
  apply(object: T, options: ApplyOptions, signal?: AbortSignal): Promise<T>;
  patchStatus(ref: Ref, patch: unknown, type: PatchType, signal?: AbortSignal): Promise<T>;
  /** POST to a subresource: `binding`, `eviction` … */
  createSubresource(
    ref: Ref,
    subresource: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<unknown>;
  /** Resolves when the server has accepted the deletion; the object may live on until its finalizers are gone. */
  delete(ref: Ref, options?: DeleteOptions, signal?: AbortSignal): Promise<void>;
  /**
   * Cold: subscribing opens a watch, unsubscribing closes it. Completes when the server ends the watch; errors with
   * StatusError (410 `Expired` when `resourceVersion` is too old).
   */
  watch(options?: WatchOptions): Observable<ApiEvent<T>>;
}

/** A connection to one API server, from which collections are taken. */
export interface Client {
  collection<T extends ApiObject>(type: ResourceType): Collection<T>;
  /**
   * A request outside any collection: discovery, tables, `/readyz`, logs. Resolves with the decoded JSON or text.
   * `accept` asks for another form than plain JSON (`application/json;as=Table;v=v1;g=meta.k8s.io`).
   */
  request(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    accept?: string,
  ): Promise<unknown>;
  /** The same connection in another's name, by impersonation: the server lets those do it who may. */
  as(user: string): Client;
  close(): void;
}
