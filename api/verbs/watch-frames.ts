/** What a watch sends for a change, in the form the client asked for. */
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';
import type { CacheEvent, CacheEventType } from '../storage/cache-event.ts';
import type { Entry } from '../storage/entry.ts';
import type { Selection } from './selection.ts';
import { mayDiffer, served, servedBody, storedAsServed } from './served.ts';

/** How the events of a watch are written. */
export interface EventForm {
  /** What the stream is sent as. */
  readonly contentType: string;
  /** Names the form: frames of the same name are the same for every watcher of a kind; absent: each has its own. */
  readonly shared?: string;
  /** Turns an object into the `object` of an event: itself, a Table, its metadata. */
  transform(object: KubeObject): unknown;
  /** One event. */
  frame(type: string, object: unknown): Buffer;
}

const line = (type: string, object: unknown): Buffer =>
  Buffer.from(`${JSON.stringify({ type, object })}\n`);

const opening = (type: CacheEventType): Buffer => Buffer.from(`{"type":"${type}","object":`);
const openings: Readonly<Record<CacheEventType, Buffer>> = {
  ADDED: opening('ADDED'),
  MODIFIED: opening('MODIFIED'),
  DELETED: opening('DELETED'),
};
const closing = Buffer.from('}\n');

/** JSON documents, one a line, of what `transform` makes of the objects. */
export const jsonLines = (
  transform: EventForm['transform'],
  shared?: string,
): EventForm & { readonly contentType: string } => ({
  contentType: 'application/json',
  ...(shared === undefined ? {} : { shared }),
  transform,
  frame: line,
});

/** Frames for one watch. Without `form` objects go out as their stored bytes. */
export class Frames {
  readonly #kind: Kind;
  readonly #selection: Selection;
  readonly #form: EventForm | undefined;
  readonly #sharedAs: string | undefined;

  constructor(kind: Kind, selection: Selection, form: EventForm | undefined) {
    this.#kind = kind;
    this.#selection = selection;
    this.#form = form;
    this.#sharedAs =
      form?.shared === undefined ? undefined : `${form.shared} ${apiVersionOf(kind)}`;
  }

  /** The change as seen through the selection: entering it is ADDED, leaving it DELETED; else nothing. */
  ofEvent(event: CacheEvent): Buffer | undefined {
    const { type, entry, previous } = event;
    if (this.#selection.all) return this.#ofChange(event);
    const before = previous !== undefined && this.#selection.matches(previous);
    const after = type !== 'DELETED' && this.#selection.matches(entry);
    if (!before && !after) return undefined;
    if (before && !after) {
      if (type === 'DELETED') return this.#ofChange(event);
      return this.ofEntry('DELETED', previous.at(event.revision));
    }
    const seen = before ? 'MODIFIED' : 'ADDED';
    return seen === type ? this.#ofChange(event) : this.ofEntry(seen, entry);
  }

  ofEntry(type: CacheEventType, entry: Entry): Buffer {
    const parts = this.partsOf(type, entry);
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** The same in pieces: putting them together is left to who puts many together. */
  partsOf(type: CacheEventType, entry: Entry): readonly Buffer[] {
    if (this.#form !== undefined) {
      return [this.#form.frame(type, this.#form.transform(served(this.#kind, entry)))];
    }
    return [openings[type], servedBody(this.#kind, entry), closing];
  }

  /** `initialEnd`: the present state has been sent whole. */
  bookmark(revision: number, initialEnd: boolean): Buffer {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const object = {
      kind: this.#kind.kind,
      apiVersion: apiVersionOf(this.#kind),
      metadata: { resourceVersion: String(revision), creationTimestamp: null, ...annotations },
    } as unknown as KubeObject;
    if (this.#form === undefined) return line('BOOKMARK', object);
    return this.#form.frame('BOOKMARK', this.#form.transform(object));
  }

  error(error: StatusError): Buffer {
    return (this.#form?.frame ?? line)('ERROR', error.status);
  }

  /** A change in its own type: every watcher that sees it so gets the same bytes. */
  #ofChange(event: CacheEvent): Buffer {
    if (this.#form !== undefined) {
      const make = (): Buffer => this.ofEntry(event.type, event.entry);
      return this.#sharedAs === undefined ? make() : event.shared(this.#sharedAs, make);
    }
    if (mayDiffer(this.#kind)) return this.ofEntry(event.type, event.entry);
    return event.frame(storedAsServed(this.#kind) ? undefined : apiVersionOf(this.#kind));
  }
}
