/**
 * The API in memory, for tests of controllers and the agent: the rules of resourceVersion, generation, conflicts,
 * finalizers, graceful deletion and watches as the API server has them, without schemas, defaults or admission.
 *
 *     const api = memoryApi();
 *     api.collection(pods).create(pod);
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Observable } from 'rxjs';
import type {
  ApiEvent,
  ApiObject,
  ApplyOptions,
  Client,
  Collection,
  DeleteOptions,
  List,
  ListOptions,
  PatchType,
  Ref,
  WatchOptions,
} from '#api/client/collection.ts';
import { keyOf, type ResourceType } from '#api/resources/meta.ts';
import { alreadyExists, badRequest, conflict, failure, notFound } from '#api/resources/status.ts';
import { patched, withRemovals } from './memory-patch.ts';
import {
  added,
  bound,
  checkPreconditions,
  fresh,
  kept,
  type Loose,
  mainPart,
  pendingFirst,
  podGraceSeconds,
  seenThrough,
  withoutStatus,
} from './memory-rules.ts';
import { selection } from './memory-selectors.ts';
import { type Change, MemoryStore, typeName } from './memory-store.ts';

/** Called before each request, may fail it. */
export type Fault = (request: { verb: string; type: ResourceType; ref?: Ref }) => void;

export interface MemoryApi extends Client {
  readonly store: MemoryStore;
  /** `verb resource/namespace/name` of every request so far, in order. */
  readonly requests: string[];
  readonly applied: Map<string, object>;
  fault: Fault;
  /** Stores the objects as they are, status and all. */
  seed(type: ResourceType, ...objects: ApiObject[]): ApiObject[];
}

export class MemoryCollection<T extends ApiObject> implements Collection<T> {
  readonly type: ResourceType;
  readonly #api: MemoryApi;

  constructor(api: MemoryApi, type: ResourceType) {
    this.#api = api;
    this.type = type;
  }

  async get(ref: Ref): Promise<T> {
    this.#begin('get', ref);
    return structuredClone(this.#held(ref)) as T;
  }

  async list(options: ListOptions = {}): Promise<List<T>> {
    this.#begin('list');
    const items = this.#api.store.all(this.type).filter(selection(options));
    const resourceVersion = String(this.#api.store.revision);
    return { items: structuredClone(items) as unknown as T[], resourceVersion };
  }

  async create(object: T): Promise<T> {
    const copy = structuredClone(object) as Loose;
    copy.metadata.name ??= `${copy.metadata.generateName}${randomUUID().slice(0, 5)}`;
    this.#begin('create', copy.metadata);
    if (copy.metadata.resourceVersion !== undefined) {
      throw badRequest('resourceVersion should not be set on objects to be created');
    }
    if (this.#api.store.find(this.type, copy.metadata) !== undefined) {
      throw alreadyExists(this.type, copy.metadata.name);
    }
    return this.#created(copy);
  }

  #created(copy: Loose): T {
    if (!withoutStatus.has(typeName(this.type))) delete copy.status;
    if (pendingFirst.has(this.type.plural)) copy.status = { phase: 'Pending' };
    copy.metadata = fresh(copy);
    return this.#written(copy);
  }

  async update(object: T): Promise<T> {
    this.#begin('update', object.metadata);
    return this.#replace(structuredClone(object) as Loose, 'main');
  }

  async updateStatus(object: T): Promise<T> {
    this.#begin('updateStatus', object.metadata);
    return this.#replace(structuredClone(object) as Loose, 'status');
  }

  async patch(ref: Ref, patch: unknown, type: PatchType): Promise<T> {
    this.#begin('patch', ref);
    return this.#replace(patched(this.#held(ref), patch, type) as Loose, 'main');
  }

  async apply(object: T, { fieldManager }: ApplyOptions): Promise<T> {
    this.#begin('apply', object.metadata);
    const path = `${fieldManager} ${this.#api.store.path(this.type, object.metadata)}`;
    const before = this.#api.store.find(this.type, object.metadata);
    const last = this.#api.applied.get(path) ?? {};
    this.#api.applied.set(path, structuredClone(object));
    if (before === undefined) return this.#created(structuredClone(object) as Loose);
    const patch = withRemovals(last, object);
    return this.#replace(patched(before, patch, 'merge') as Loose, 'main');
  }

  async patchStatus(ref: Ref, patch: unknown, type: PatchType): Promise<T> {
    this.#begin('patchStatus', ref);
    return this.#replace(patched(this.#held(ref), patch, type) as Loose, 'status');
  }

  async createSubresource(ref: Ref, subresource: string, body: unknown): Promise<unknown> {
    this.#begin(subresource, ref);
    if (subresource === 'eviction') return this.delete(ref);
    if (subresource !== 'binding') throw notFound(this.type, `${ref.name}/${subresource}`);
    this.#api.store.put(this.type, bound(this.type, this.#held(ref), body));
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  async delete(ref: Ref, options: DeleteOptions = {}): Promise<void> {
    this.#begin('delete', ref);
    const object = structuredClone(this.#held(ref)) as Loose;
    checkPreconditions(this.type, object, options);
    const finalizers = new Set(object.metadata.finalizers);
    if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
    const graceSeconds = podGraceSeconds(this.type, object, options);
    if (finalizers.size === 0 && graceSeconds === 0) {
      this.#api.store.remove(this.type, object);
      return;
    }
    const already = object.metadata.deletionTimestamp !== undefined;
    if (already && graceSeconds >= (object.metadata.deletionGracePeriodSeconds ?? 0)) return;
    object.metadata.deletionTimestamp = new Date(Date.now() + graceSeconds * 1000).toISOString();
    object.metadata.deletionGracePeriodSeconds = graceSeconds;
    if (finalizers.size > 0) object.metadata.finalizers = [...finalizers];
    this.#written(object);
  }

  watch(options: WatchOptions = {}): Observable<ApiEvent<T>> {
    return new Observable((subscriber) => {
      const matches = selection(options);
      const emit = (event: ApiEvent<T>) => queueMicrotask(() => subscriber.next(event));
      try {
        this.#begin('watch');
        const since = this.#start(options, (object) => matches(object) && emit(added(object)));
        const listener = (change: Change) => {
          if (!change.path.startsWith(`${typeName(this.type)}/`)) return;
          const event = seenThrough(matches, change);
          if (event !== undefined) emit(event as ApiEvent<T>);
        };
        const end = () => queueMicrotask(() => subscriber.complete());
        return this.#api.store.follow(since, listener, end);
      } catch (error) {
        queueMicrotask(() => subscriber.error(error));
        return;
      }
    });
  }

  /** Without a version the present state comes first, as ADDED. */
  #start(options: WatchOptions, emit: (object: ApiObject) => void): number {
    const { resourceVersion = '0' } = options;
    if (resourceVersion !== '0') return Number(resourceVersion);
    for (const object of this.#api.store.all(this.type)) emit(object);
    return this.#api.store.revision;
  }

  #begin(verb: string, ref?: Ref): void {
    const path = ref === undefined ? '' : `/${keyOf({ metadata: ref })}`;
    this.#api.requests.push(`${verb} ${this.type.plural}${path}`);
    this.#api.fault({ verb, type: this.type, ...(ref === undefined ? {} : { ref }) });
  }

  #held(ref: Ref): Loose {
    const object = this.#api.store.find(this.type, ref);
    if (object === undefined) throw notFound(this.type, ref.name);
    return object as Loose;
  }

  #replace(next: Loose, part: 'main' | 'status'): T {
    const before = this.#held(next.metadata);
    const version = next.metadata.resourceVersion;
    if (version !== undefined && version !== before.metadata.resourceVersion) {
      throw conflict(this.type, next.metadata.name);
    }
    const merged: Loose =
      part === 'status' ? { ...before, status: next.status } : { ...next, status: before.status };
    if (part === 'main' && withoutStatus.has(typeName(this.type))) merged.status = next.status;
    if (merged.status === undefined) delete merged.status;
    if (part === 'main') merged.metadata = kept(before, next);
    if (part === 'main' && mainPart(merged) !== mainPart(before)) {
      merged.metadata.generation = (before.metadata.generation ?? 1) + 1;
    }
    if (isDeepStrictEqual(merged, before)) return structuredClone(before) as never;
    return this.#written(merged);
  }

  /** Writes, or deletes what has nothing left to wait for. */
  #written(object: Loose): T {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
    const waiting = finalizers.length > 0 || deletionGracePeriodSeconds > 0;
    if (deletionTimestamp !== undefined && !waiting) {
      this.#api.store.remove(this.type, object);
      return structuredClone(object) as unknown as T;
    }
    return structuredClone(this.#api.store.put(this.type, object)) as T;
  }
}

/** An empty API in memory. */
export function memoryApi(): MemoryApi {
  const store = new MemoryStore();
  const api: MemoryApi = {
    store,
    requests: [],
    applied: new Map(),
    as: () => api,
    fault: () => undefined,
    seed: (type, ...objects) =>
      objects.map((object) => {
        const metadata = { uid: randomUUID(), generation: 1, ...object.metadata };
        metadata.creationTimestamp ??= new Date().toISOString();
        return structuredClone(store.put(type, { ...object, metadata }));
      }),
    collection: <T extends ApiObject>(type: ResourceType) => new MemoryCollection<T>(api, type),
    request: async (method, path) => {
      throw failure(404, 'NotFound', `${method} ${path}: the API in memory has only collections`);
    },
    close: () => store.disconnect(),
  };
  return api;
}
