/** One change in the watch cache, as its watchers see it. */
import type { Entry } from './entry.ts';

export type CacheEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Shared by all watchers, immutable to them. */
export class CacheEvent {
  readonly type: CacheEventType;
  /** The new state; for DELETED the last state, under the revision of the deletion. */
  readonly entry: Entry;
  /** The state before; absent for ADDED. */
  readonly previous: Entry | undefined;
  /** When the cache saw it, in milliseconds since the epoch. */
  readonly time: number;
  /** Weak: a frame lives as long as somebody is writing it out, the history keeps only the entries. */
  #frames: Map<string, WeakRef<Buffer>> | undefined;

  constructor(type: CacheEventType, entry: Entry, previous: Entry | undefined, time: number) {
    this.type = type;
    this.entry = entry;
    this.previous = previous;
    this.time = time;
  }

  get key(): string {
    return this.entry.key;
  }

  get revision(): number {
    return this.entry.revision;
  }

  /**
   * `{"type":…,"object":…}` and a line feed, as the API's watch sends it; built once for all watchers. With
   * `apiVersion` the object says that version instead of the stored one.
   */
  frame(apiVersion = ''): Buffer {
    return this.shared(apiVersion, () =>
      Buffer.concat([
        opening[this.type],
        this.entry.body(apiVersion === '' ? undefined : apiVersion),
        closing,
      ]),
    );
  }

  /** A frame in another form, built once for all watchers that want the same; `form` names it. */
  shared(form: string, make: () => Buffer): Buffer {
    const held = this.#frames?.get(form)?.deref();
    if (held !== undefined) return held;
    const frame = make();
    this.#frames ??= new Map();
    this.#frames.set(form, new WeakRef(frame));
    return frame;
  }
}

const opening = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
} satisfies Record<CacheEventType, Buffer>;
const closing = Buffer.from('}\n');
