/**
 * The store beneath `memory-collection.ts`: objects of all types, one revision counter, and a log of what happened
 * from which watches are served.
 */
import type { ApiObject, Ref } from '#api/client/collection.ts';
import { keyOf, type ResourceType } from '#api/resources/meta.ts';
import { expired } from '#api/resources/status.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly revision: number;
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** `pods`, `deployments.apps`: what keeps the objects of one type apart from those of others. */
export const typeName = (type: ResourceType): string =>
  type.group === '' ? type.plural : `${type.plural}.${type.group}`;

export class MemoryStore {
  readonly #objects = new Map<string, ApiObject>();
  #log: Change[] = [];
  #oldest = 0;
  #listeners = new Set<(change: Change) => void>();
  #closers = new Set<() => void>();
  revision = 0;

  find(type: ResourceType, ref: Ref): ApiObject | undefined {
    return this.#objects.get(this.path(type, ref));
  }

  path(type: ResourceType, ref: Ref): string {
    return `${typeName(type)}/${keyOf({ metadata: ref })}`;
  }

  /** The type's objects in key order. */
  all(type: ResourceType): ApiObject[] {
    const prefix = `${typeName(type)}/`;
    return [...this.#objects.entries()]
      .filter(([path]) => path.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  put(type: ResourceType, object: ApiObject): ApiObject {
    const path = this.path(type, object.metadata);
    const previous = this.#objects.get(path);
    const written = this.#stamped(object);
    this.#objects.set(path, written);
    this.#tell({
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      path,
      revision: this.revision,
      object: written,
      previous,
    });
    return written;
  }

  remove(type: ResourceType, object: ApiObject): void {
    const path = this.path(type, object.metadata);
    const previous = this.#objects.get(path);
    this.#objects.delete(path);
    const last = this.#stamped(object);
    this.#tell({ type: 'DELETED', path, revision: this.revision, object: last, previous });
  }

  /** Calls `listener` with all changes after `revision`, in order. Throws 410 if they are gone. */
  follow(revision: number, listener: (change: Change) => void, closed: () => void): () => void {
    if (revision < this.#oldest) {
      throw expired(`too old resource version: ${revision} (${this.#oldest})`);
    }
    const missed = this.#log.filter((change) => change.revision > revision);
    this.#listeners.add(listener);
    this.#closers.add(closed);
    for (const change of missed) listener(change);
    return () => {
      this.#listeners.delete(listener);
      this.#closers.delete(closed);
    };
  }

  /** Ends every watch, as a server that shuts down does. */
  disconnect(): void {
    for (const close of [...this.#closers]) close();
  }

  /** Forgets all history: watches from an older version fail with 410. */
  compact(): void {
    this.#log = [];
    this.#oldest = this.revision;
  }

  #stamped(object: ApiObject): ApiObject {
    this.revision += 1;
    const copy = structuredClone(object);
    copy.metadata.resourceVersion = String(this.revision);
    return copy;
  }

  #tell(change: Change): void {
    this.#log.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}
