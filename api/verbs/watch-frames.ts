/** What a watch sends for a change: one JSON document a line, in the form the client asked for. */
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import { needsConversion } from '../kinds/convert.ts';
import type { Kind } from '../schema/kind.ts';
import type { CacheEvent, CacheEventType } from '../storage/cache-event.ts';
import type { Entry } from '../storage/entry.ts';
import type { Selection } from './selection.ts';
import { served, servedBody, storedAsServed } from './served.ts';

/** Turns an object into the `object` of an event: itself, a Table, its metadata. */
export type EventObject = (object: KubeObject) => unknown;

const line = (type: string, object: unknown): Buffer =>
  Buffer.from(`${JSON.stringify({ type, object })}\n`);

const closing = Buffer.from('}\n');

/** Frames for one watch. Without `transform` objects go out as their stored bytes. */
export class Frames {
  readonly #kind: Kind;
  readonly #selection: Selection;
  readonly #transform: EventObject | undefined;
  /** Frames of stored bytes are built once for all watchers. */
  readonly #shareable: boolean;

  constructor(kind: Kind, selection: Selection, transform: EventObject | undefined) {
    this.#kind = kind;
    this.#selection = selection;
    this.#transform = transform;
    this.#shareable = transform === undefined && !needsConversion(kind);
  }

  /** The change as seen through the selection: entering it is ADDED, leaving it DELETED; else nothing. */
  ofEvent(event: CacheEvent): Buffer | undefined {
    const { type, entry, previous } = event;
    if (this.#selection.all) {
      return this.#shareable ? this.#shared(event) : this.ofEntry(type, entry);
    }
    const before = previous !== undefined && this.#selection.matches(previous);
    const after = type !== 'DELETED' && this.#selection.matches(entry);
    if (!before && !after) return undefined;
    if (before && !after) {
      return this.ofEntry('DELETED', type === 'DELETED' ? entry : previous.at(event.revision));
    }
    return this.ofEntry(before ? 'MODIFIED' : 'ADDED', entry);
  }

  ofEntry(type: CacheEventType, entry: Entry): Buffer {
    if (this.#transform !== undefined)
      return line(type, this.#transform(served(this.#kind, entry)));
    const opening = Buffer.from(`{"type":"${type}","object":`);
    return Buffer.concat([opening, servedBody(this.#kind, entry), closing]);
  }

  /** `initialEnd`: the present state has been sent whole. */
  bookmark(revision: number, initialEnd: boolean): Buffer {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const object = {
      kind: this.#kind.kind,
      apiVersion: apiVersionOf(this.#kind),
      metadata: { resourceVersion: String(revision), creationTimestamp: null, ...annotations },
    };
    return line('BOOKMARK', object);
  }

  error(error: StatusError): Buffer {
    return line('ERROR', error.status);
  }

  #shared(event: CacheEvent): Buffer {
    return event.frame(storedAsServed(this.#kind) ? undefined : apiVersionOf(this.#kind));
  }
}
