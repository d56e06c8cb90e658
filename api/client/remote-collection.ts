/** A `Collection` served by the API server. */
import type { Observable } from 'rxjs';
import type { ResourceType } from '#api/resources/meta.ts';
import type {
  ApiEvent,
  ApiObject,
  ApplyOptions,
  Collection,
  DeleteOptions,
  List,
  ListOptions,
  PatchType,
  Ref,
  WatchOptions,
} from './collection.ts';
import { query, resourcePath } from './paths.ts';
import type { Session } from './session.ts';
import { watchPath } from './watch.ts';

/** Sends a JSON body, resolves with the decoded answer. */
export type Exchange = (
  method: string,
  path: string,
  options: {
    body?: unknown;
    contentType?: string;
    accept?: string | undefined;
    signal?: AbortSignal | undefined;
  },
) => Promise<unknown>;

const contentTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

/** The form of an answer that has no more than metadata. */
const partial = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1`;

interface ListDocument<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

export class RemoteCollection<T extends ApiObject> implements Collection<T> {
  readonly type: ResourceType;
  readonly #session: Session;
  readonly #exchange: Exchange;

  constructor(type: ResourceType, session: Session, exchange: Exchange) {
    this.type = type;
    this.#session = session;
    this.#exchange = exchange;
  }

  async get(ref: Ref, signal?: AbortSignal): Promise<T> {
    return (await this.#exchange('GET', resourcePath(this.type, ref), { signal })) as T;
  }

  async list(options: ListOptions = {}): Promise<List<T>> {
    const { namespace, signal, metadataOnly, ...parameters } = options;
    const path = `${resourcePath(this.type, { namespace })}${query(parameters)}`;
    const accept = metadataOnly ? partial('PartialObjectMetadataList') : undefined;
    const document = (await this.#exchange('GET', path, { accept, signal })) as ListDocument<T>;
    const { resourceVersion, continue: rest } = document.metadata;
    // Items of a list carry no kind of their own when Kubernetes' server sends them.
    const kind = document.kind.replace(/List$/, '');
    for (const item of document.items) {
      item.apiVersion ??= document.apiVersion;
      item.kind ??= kind;
    }
    return {
      items: document.items,
      resourceVersion,
      ...(rest === undefined || rest === '' ? {} : { continue: rest }),
    };
  }

  async create(object: T, signal?: AbortSignal): Promise<T> {
    const { namespace } = object.metadata;
    const path = resourcePath(this.type, { namespace });
    return (await this.#exchange('POST', path, { body: object, signal })) as T;
  }

  async update(object: T, signal?: AbortSignal): Promise<T> {
    const path = resourcePath(this.type, object.metadata);
    return (await this.#exchange('PUT', path, { body: object, signal })) as T;
  }

  async updateStatus(object: T, signal?: AbortSignal): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = resourcePath(this.type, { namespace, name, subresource: 'status' });
    return (await this.#exchange('PUT', path, { body: object, signal })) as T;
  }

  async patch(ref: Ref, patch: unknown, type: PatchType, signal?: AbortSignal): Promise<T> {
    const options = { body: patch, contentType: contentTypes[type], signal };
    return (await this.#exchange('PATCH', resourcePath(this.type, ref), options)) as T;
  }

  async apply(object: T, options: ApplyOptions, signal?: AbortSignal): Promise<T> {
    const path = `${resourcePath(this.type, object.metadata)}${query({ ...options })}`;
    const contentType = 'application/apply-patch+yaml';
    return (await this.#exchange('PATCH', path, { body: object, contentType, signal })) as T;
  }

  async patchStatus(ref: Ref, patch: unknown, type: PatchType, signal?: AbortSignal): Promise<T> {
    const path = resourcePath(this.type, { ...ref, subresource: 'status' });
    const options = { body: patch, contentType: contentTypes[type], signal };
    return (await this.#exchange('PATCH', path, options)) as T;
  }

  createSubresource(
    ref: Ref,
    subresource: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const path = resourcePath(this.type, { ...ref, subresource });
    return this.#exchange('POST', path, { body, signal });
  }

  async delete(ref: Ref, options?: DeleteOptions, signal?: AbortSignal): Promise<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
    await this.#exchange('DELETE', resourcePath(this.type, ref), { body, signal });
  }

  watch(options: WatchOptions = {}): Observable<ApiEvent<T>> {
    const { namespace, bookmarks, metadataOnly, ...parameters } = options;
    const path = `${resourcePath(this.type, { namespace })}${query({
      watch: true,
      ...parameters,
      allowWatchBookmarks: bookmarks,
    })}`;
    const accept = metadataOnly ? partial('PartialObjectMetadata') : undefined;
    return watchPath<T>(this.#session, path, accept);
  }
}
